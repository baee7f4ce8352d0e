"""The api in this process, over ASGI: the application Granian serves, on a real database and Valkey."""

import asyncio
import base64
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from astero_api.app import create_app
from astero_api.settings import ApiSettings
from astero_api.web.edge import Edge
from astero_shared.db.session import reading
from astero_shared.features.accounts.rules import email_key
from astero_shared.features.accounts.store import find_user_by_email
from astero_shared.settings import load

from .openapi import Documented

ORIGIN = "https://astero.test"


def environment(*, database_url: str, redis_url: str, **changes: str) -> dict[str, str]:
    """A complete environment of the api, with fresh secrets."""
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    pepper = base64.b64encode(secrets.token_bytes(32)).decode()
    return {
        "ASTERO_ENV": "test",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "ENCRYPTION_KEY": f"1:{key}",
        "PASSWORD_PEPPER": f"1:{pepper}",
        "JWT_SECRET": secrets.token_urlsafe(48),
        "BOT_ENGINE_SECRET": secrets.token_urlsafe(48),
        "PUBLIC_URL": ORIGIN,
    } | changes


@asynccontextmanager
async def running_api(env: dict[str, str], **options: Any) -> AsyncGenerator[Edge]:
    """The application between its start-up and its shutdown, which run in one task as under a server."""
    edge = create_app(load(ApiSettings, env), **({"bcrypt_cost": 4} | options))
    told: asyncio.Queue[Any] = asyncio.Queue()
    heard: asyncio.Queue[Any] = asyncio.Queue()
    scope: Any = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    life = asyncio.create_task(edge(scope, told.get, heard.put))
    await told.put({"type": "lifespan.startup"})
    started = await heard.get()
    assert started["type"] == "lifespan.startup.complete", started.get("message")
    try:
        yield edge
    finally:
        await told.put({"type": "lifespan.shutdown"})
        await life


@asynccontextmanager
async def browser(edge: Edge, *, address: str = "203.0.113.7") -> AsyncGenerator[httpx.AsyncClient]:
    """A client with its own cookies and address, that says what a browser says."""
    documented = Documented(edge)
    transport = httpx.ASGITransport(app=edge, client=(address, 40000))  # pyright: ignore[reportArgumentType]
    async with httpx.AsyncClient(
        transport=transport,
        base_url=ORIGIN,
        event_hooks={"response": [documented.check]},
        headers={"Sec-Fetch-Site": "same-origin", "Origin": ORIGIN},
    ) as client:
        yield client


PASSWORD = "four-words-nobody-guesses"


async def register(client: httpx.AsyncClient, email: str = "ana@example.com") -> dict[str, Any]:
    """A new account, `{id, email}`: the answer names none, so the application's own database is asked."""
    answer = await client.post("/api/auth/register", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 202, answer.text
    edge: Any = client._transport.app  # pyright: ignore[reportAttributeAccessIssue]
    async with reading(edge.litestar.state.database) as session:
        user = await find_user_by_email(session, email_key(email))
    assert user is not None
    return {"id": str(user.id), "email": user.email}


async def log_in(client: httpx.AsyncClient, email: str = "ana@example.com") -> None:
    """The client's cookies hold the session afterwards."""
    answer = await client.post("/api/auth/login", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
