"""Bots: brought, renamed, given another token, started, stopped, taken away.

Discord is asked before the transaction begins, never inside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from astero_api.features.bots.discord_check import DiscordCheck, KnownBot
from astero_api.features.bots.schemas import BotIn
from astero_api.nudges import Nudges
from astero_api.web.access import not_signed_in
from astero_api.web.identity import Identity
from astero_api.web.unit_of_work import UnitOfWork
from astero_shared.audit.actions import AuditAction
from astero_shared.audit.canonical import JsonValue
from astero_shared.audit.writer import write_audit
from astero_shared.clock import utc_now
from astero_shared.crypto.fields import seal
from astero_shared.crypto.keyring import Keyring
from astero_shared.errors import ConflictError, InvalidError
from astero_shared.features.accounts.store import get_user
from astero_shared.features.bots.store import get_bot, insert_bot, remove_bot, update_bot, write_token
from astero_shared.features.bots.tables import Bot
from astero_shared.features.installations.rules import purge_at
from astero_shared.features.installations.store import mark_all_removed
from astero_shared.features.webhooks.events import ServerRemoved
from astero_shared.features.webhooks.outbox import emit_event
from astero_shared.ids import new_id
from astero_shared.names import refuse_hidden
from astero_shared.scope import BotScope

_LAST = 4


@dataclass(frozen=True, slots=True)
class Hosting:
    """What every change of a bot needs beside its transaction."""

    keyring: Keyring
    discord: DiscordCheck
    nudges: Nudges


async def create_bot(*, unit: UnitOfWork, hosting: Hosting, identity: Identity, command: BotIn) -> BotScope:
    """Raises InvalidError, ConflictError `bots.application_taken` or UnavailableError."""
    if command.name is not None:
        refuse_hidden(command.name, pointer="/name")
    known = await hosting.discord.identify(command.token)
    # An account that is suspended meanwhile either waits for this bot, and takes it along, or is seen here.
    if (await get_user(unit.session, identity.user_id, lock=True)).status != "active":
        raise not_signed_in()
    now = utc_now()
    scope = BotScope(actor=identity.actor, bot_id=new_id())
    bot = Bot(
        id=scope.bot_id,
        owner_user_id=identity.user_id,
        kind="branded",
        name=command.name or known.name,
        application_id=known.application_id,
        discord_user_id=known.user_id,
        avatar_hash=known.avatar_hash,
        desired_state="running",
        created_at=now,
        updated_at=now,
    )
    try:
        await insert_bot(unit.session, bot)
    except IntegrityError:
        raise ConflictError(code="bots.application_taken") from None
    await _store_token(unit, hosting, scope, command.token, now)
    await _audit(unit, scope, AuditAction.BOT_CREATED, {"applicationId": str(known.application_id)})
    unit.after_commit(lambda: hosting.nudges.reconcile(scope.bot_id))
    return scope


async def replace_token(*, unit: UnitOfWork, hosting: Hosting, scope: BotScope, token: str) -> None:
    """Raises as create_bot does, or InvalidError `bots.token_other_application`."""
    known = await hosting.discord.identify(token)
    bot = await get_bot(unit.session, scope, lock=True)
    if bot.application_id is not None and bot.application_id != known.application_id:
        raise InvalidError(code="bots.token_other_application", pointer="/token")
    now = utc_now()
    await _store_token(unit, hosting, scope, token, now)
    await update_bot(unit.session, scope, changes=_facts(known), now=now)
    await _audit(unit, scope, AuditAction.BOT_TOKEN_REPLACED, {})
    unit.after_commit(lambda: hosting.nudges.reconcile(scope.bot_id))


async def rename_bot(*, unit: UnitOfWork, scope: BotScope, name: str) -> None:
    """The name in the dashboard; what Discord shows is changed at Discord.

    Raises InvalidError `names.hidden`.
    """
    refuse_hidden(name, pointer="/name")
    bot = await get_bot(unit.session, scope, lock=True)
    if bot.name != name:
        await update_bot(unit.session, scope, changes={"name": name}, now=utc_now())
        await _audit(unit, scope, AuditAction.BOT_UPDATED, {"changed": ["name"]})


async def set_desired_state(
    *,
    unit: UnitOfWork,
    hosting: Hosting,
    scope: BotScope,
    desired: Literal["running", "stopped"],
) -> None:
    """Start or stop; what is wanted already is no change."""
    bot = await get_bot(unit.session, scope, lock=True)
    if bot.desired_state != desired:
        await update_bot(unit.session, scope, changes={"desired_state": desired}, now=utc_now())
        action = AuditAction.BOT_STARTED if desired == "running" else AuditAction.BOT_STOPPED
        await _audit(unit, scope, action, {})
    unit.after_commit(lambda: hosting.nudges.reconcile(scope.bot_id))


async def take_away_bot(*, unit: UnitOfWork, hosting: Hosting, scope: BotScope) -> None:
    """Stop hosting: the token is deleted at once, the servers' rows go after their 14 days."""
    await get_bot(unit.session, scope, lock=True)
    now = utc_now()
    # before they are hidden with their servers
    await emit_event(unit.session, scope, ServerRemoved(restorable_until=purge_at(now)))
    await mark_all_removed(unit.session, scope, by=scope.actor.id, now=now)
    await remove_bot(unit.session, scope, now=now)
    await _audit(unit, scope, AuditAction.BOT_REMOVED, {})
    unit.after_commit(lambda: hosting.nudges.reconcile(scope.bot_id))


def _facts(known: KnownBot) -> dict[str, int | str | None]:
    return {
        "application_id": known.application_id,
        "discord_user_id": known.user_id,
        "avatar_hash": known.avatar_hash,
    }


async def _store_token(
    unit: UnitOfWork, hosting: Hosting, scope: BotScope, token: str, now: datetime
) -> None:
    sealed = seal(
        hosting.keyring,
        table="bot_tokens",
        column="ciphertext",
        row=scope.bot_id,
        plaintext=token.encode(),
    )
    await write_token(unit.session, scope, ciphertext=sealed, last4=token[-_LAST:], now=now)


async def _audit(
    unit: UnitOfWork, scope: BotScope, action: AuditAction, details: Mapping[str, JsonValue]
) -> None:
    bot_id: UUID = scope.bot_id
    await write_audit(
        unit.session,
        actor=scope.actor,
        action=action,
        bot_id=bot_id,
        target=str(bot_id),
        details=details,
    )
