"""An authenticator app, written from RFC 4226 and RFC 6238 alone, and its owner's way through the api."""

import base64
import hashlib
import hmac
import struct
import time
from typing import Any

import httpx
import psycopg
from support.api import PASSWORD
from support.stack import Database

MFA = "__Host-astero_mfa"


class App:
    """Holds the secret as a user typed it."""

    def __init__(self, secret: str) -> None:
        self.seed = base64.b32decode(secret)

    def code(self, *, later: int = 0, at: float | None = None) -> str:
        """Of the step `later` steps after the present one, or after the time `at`."""
        step = int(time.time() if at is None else at) // 30 + later
        digest = hmac.new(self.seed, struct.pack(">Q", step), hashlib.sha1).digest()
        offset = digest[-1] & 15
        number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
        return f"{number % 1_000_000:06}"

    def wrong(self) -> str:
        """Six digits that are no code of any step near."""
        near = {self.code(later=later) for later in range(-3, 4)}
        return next(code for code in (f"{number:06}" for number in range(10)) if code not in near)


async def enable(client: httpx.AsyncClient, database: Database) -> tuple[App, list[str]]:
    """Two-step verification is on, and the present code can be used again; with the recovery codes."""
    begun = await client.post("/api/auth/mfa/enroll")
    assert begun.status_code == 200, begun.text
    app = App(begun.json()["secret"])
    confirmed = await client.post("/api/auth/mfa/confirm", json={"code": app.code()})
    assert confirmed.status_code == 200, confirmed.text
    forget_used(database)
    return app, confirmed.json()["recoveryCodes"]


def forget_used(database: Database) -> None:
    """As after a minute without a code."""
    run(database, "UPDATE totp_seeds SET last_step = 0")


async def first_step(client: httpx.AsyncClient, email: str = "ana@example.com") -> dict[str, Any]:
    """The right password; the answer's body."""
    answer = await client.post("/api/auth/login", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return answer.json()


def run(database: Database, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.admin, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


def actions(database: Database) -> list[str]:
    """What the audit log tells, oldest first."""
    return [action for (action,) in run(database, "SELECT action FROM audit_entries ORDER BY id")]
