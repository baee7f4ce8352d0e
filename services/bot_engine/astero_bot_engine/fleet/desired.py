"""What the database wants of the bots this engine holds, and the tokens to run them with."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from astero_bot_engine.fleet.statuses import Status
from astero_shared.crypto.fields import unseal
from astero_shared.crypto.keyring import Keyring
from astero_shared.settings import Secret

_WANTED: Final = text(
    "SELECT b.id, b.kind, b.application_id, b.desired_state, b.removed_at, b.suspended_at,"
    " t.updated_at AS token_set_at"
    " FROM bots b LEFT JOIN bot_tokens t ON t.bot_id = b.id WHERE b.id = ANY(:bot_ids)"
)
_CIPHERTEXTS: Final = text("SELECT bot_id, ciphertext FROM bot_tokens WHERE bot_id = ANY(:bot_ids)")


@dataclass(frozen=True, slots=True)
class Desired:
    """`token_set_at` is None for the shared bot, whose token comes from the environment."""

    bot_id: UUID
    shared: bool
    application_id: int | None
    running: bool
    removed: bool
    suspended: bool
    token_set_at: datetime | None


def why_not(desired: Desired | None) -> Status:
    """What the owner is told of a bot that is not to run; None is one that is not there any more."""
    if desired is None or desired.removed:
        return Status("removed")
    return Status("stopped", "bots.owner_suspended") if desired.suspended else Status("stopped")


async def list_desired(connection: AsyncConnection, bot_ids: Collection[UUID]) -> dict[UUID, Desired]:
    rows = await connection.execute(_WANTED, {"bot_ids": list(bot_ids)})
    return {
        row.id: Desired(
            bot_id=row.id,
            shared=row.kind == "shared",
            application_id=row.application_id,
            running=row.desired_state == "running" and row.removed_at is None and row.suspended_at is None,
            removed=row.removed_at is not None,
            suspended=row.suspended_at is not None,
            token_set_at=row.token_set_at,
        )
        for row in rows
    }


async def list_ciphertexts(connection: AsyncConnection, bot_ids: Collection[UUID]) -> dict[UUID, bytes]:
    rows = await connection.execute(_CIPHERTEXTS, {"bot_ids": list(bot_ids)})
    return {row.bot_id: bytes(row.ciphertext) for row in rows}


def open_token(keyring: Keyring, bot_id: UUID, ciphertext: bytes) -> Secret:
    """Raises SecretUnavailableError; that bot is stopped, the others run on."""
    plain = unseal(keyring, table="bot_tokens", column="ciphertext", row=bot_id, blob=ciphertext)
    return Secret(plain.decode())
