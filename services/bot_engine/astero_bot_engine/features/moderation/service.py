"""What a moderator asks for becomes a case: ranks and permissions checked, written down, carried out."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import discord

from astero_bot_engine.dispatch.deletions import BULK_WINDOW
from astero_bot_engine.dispatch.guard import Done, Failed, Guard
from astero_bot_engine.dispatch.ranks import find_obstacle, standing_of
from astero_bot_engine.features.cases.service import CaseDesk
from astero_bot_engine.features.modules.service import SettingsMemory
from astero_bot_engine.interactions.access import Asker
from astero_bot_engine.interactions.durations import parse_duration
from astero_shared.clock import utc_now
from astero_shared.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from astero_shared.features.cases.config import CasesConfig
from astero_shared.features.cases.rules import CaseAction
from astero_shared.features.cases.service import fit_draft
from astero_shared.features.cases.store import CaseDraft
from astero_shared.features.cases.tables import Case
from astero_shared.i18n import text

_READS: Final = discord.Permissions(view_channel=True, read_message_history=True).value
_BANS: Final = discord.Permissions(ban_members=True).value
_UNKNOWN_BAN: Final = 10026
_PAGE: Final = 100
# How far back a purge for one member's messages looks: pages of 100.
_MAX_PAGES: Final = 10


@dataclass(frozen=True, slots=True)
class Wish:
    """What the moderator typed."""

    action: CaseAction
    target: discord.User | discord.Member
    reason: str | None = None
    note: str | None = None
    duration: str | None = None


class Moderation:
    """Every function raises an AsteroError for what the moderator should hear of."""

    def __init__(self, *, guard: Guard, desk: CaseDesk, memory: SettingsMemory) -> None:
        self._guard = guard
        self._desk = desk
        self._memory = memory

    async def act(self, asker: Asker, wish: Wish, *, cause: str) -> tuple[Case, bool]:
        """The case, and whether Discord was asked already; if not it is as soon as Discord answers again.

        `cause` names the interaction, so that its replay after a crash opens no second case.
        """
        config = self._memory.of(asker.scope.bot_id, asker.guild.id).config(CasesConfig)
        duration = _duration(wish)
        draft = CaseDraft(
            action=wish.action.value,
            source="command",
            source_key=cause,
            target_id=wish.target.id,
            target_name=wish.target.name,
            moderator_id=str(asker.member.id),
            moderator_name=asker.member.name,
            reason=wish.reason,
            internal_note=wish.note,
            duration_seconds=None if duration is None else int(duration.total_seconds()),
        )
        draft = fit_draft(draft, config=config)
        self._check_standing(asker, wish)
        if wish.action is CaseAction.UNBAN:
            await self._require_banned(asker, wish.target)
        case = await self._open(asker, draft)
        try:
            return await self._desk.carry_out(asker.client, case), True
        except (discord.DiscordServerError, discord.ClientException, OSError):
            return case, False

    async def purge(
        self, asker: Asker, *, channel_id: int, count: int, only: discord.User | None, before: int
    ) -> tuple[Case, int]:
        """Delete the newest `count` messages older than the message id `before`; pinned ones stay.

        The messages are looked up first, so the case says how many it is about.
        """
        found = await self._find_messages(asker, channel_id, count=count, only=only, before=before)
        if not found:
            raise NotFoundError(code="cases.nothing_to_purge")
        channel = asker.guild.get_channel_or_thread(channel_id)
        draft = CaseDraft(
            action=CaseAction.PURGE.value,
            source="command",
            source_key=f"command:{before}",
            target_id=channel_id if only is None else only.id,
            target_name=only.name if only is not None else getattr(channel, "name", None),
            moderator_id=str(asker.member.id),
            moderator_name=asker.member.name,
            channel_id=channel_id,
            internal_note=text("moderation.replies.purge_note", asker.locale, count=len(found)),
        )
        case = await self._open(asker, draft, exclusively=True)
        return await self._desk.purge(asker.client, case, found), len(found)

    # -- checks -----------------------------------------------------------------------------------------

    def _check_standing(self, asker: Asker, wish: Wish) -> None:
        target, member = wish.target, asker.member
        roles = _role_ids(target) if isinstance(target, discord.Member) else None
        if wish.action in {CaseAction.WARN, CaseAction.NOTE} and roles is None:
            # A warning reaches people who left as well: it stands in their record.
            roles = frozenset()
        moderator = standing_of(asker.guild, member.id, _role_ids(member))
        obstacle = find_obstacle(
            asker.guild, wish.action, standing_of(asker.guild, target.id, roles), moderator
        )
        if obstacle is not None:
            raise ForbiddenError(code=obstacle)

    async def _require_banned(self, asker: Asker, target: discord.abc.User) -> None:
        """Nobody needs a case that lifts nothing. Any other answer than "no such ban" is left to the case."""
        try:
            outcome = await self._guard.call(
                asker.client,
                lambda: asker.client.http.get_ban(target.id, asker.guild.id),
                guild_id=asker.guild.id,
                needs=_BANS,
            )
        except (discord.DiscordServerError, discord.ClientException, OSError):
            return
        if isinstance(outcome, Failed) and outcome.code == _UNKNOWN_BAN:
            raise NotFoundError(code="cases.not_banned")

    async def _open(self, asker: Asker, draft: CaseDraft, *, exclusively: bool = False) -> Case:
        case = await self._desk.open(asker.scope, draft, exclusively=exclusively)
        if case is None:
            raise ConflictError(code="cases.opened_before")
        return case

    # -- purge ------------------------------------------------------------------------------------------

    async def _find_messages(
        self, asker: Asker, channel_id: int, *, count: int, only: discord.User | None, before: int
    ) -> list[int]:
        horizon = utc_now() - BULK_WINDOW
        found: list[int] = []
        for _ in range(_MAX_PAGES):
            page = await self._read_page(asker, channel_id, before=before)
            for message in page:
                before = int(message["id"])
                if discord.utils.snowflake_time(before) < horizon:
                    return found
                author = int(message["author"]["id"])
                if not message.get("pinned") and (only is None or author == only.id):
                    found.append(before)
                if len(found) == count:
                    return found
            if len(page) < _PAGE:
                break
        return found

    async def _read_page(self, asker: Asker, channel_id: int, *, before: int) -> list[Any]:
        outcome = await self._guard.call(
            asker.client,
            lambda: asker.client.http.logs_from(channel_id, _PAGE, before=before),
            guild_id=asker.guild.id,
            channel_id=channel_id,
            needs=_READS,
        )
        if isinstance(outcome, Done):
            return outcome.value
        raise ForbiddenError(code="cases.cannot_read")


def _duration(wish: Wish) -> timedelta | None:
    if wish.duration is None:
        return None
    parsed = parse_duration(wish.duration)
    if parsed is None:
        written = discord.utils.escape_markdown(wish.duration)
        raise InvalidError(code="cases.duration_unreadable", params={"written": written})
    return parsed


def _role_ids(member: discord.Member) -> frozenset[int]:
    return frozenset(role.id for role in member.roles if not role.is_default())
