"""`/mod`: warn, note, timeout, kick, ban, unban, purge. Each opens a case and answers its asker alone."""

from typing import Any, Final

import discord
from discord import app_commands

from astero_bot_engine.features.cases.service import say_outcome
from astero_bot_engine.features.moderation.service import Moderation, Wish
from astero_bot_engine.interactions.access import require
from astero_bot_engine.interactions.language import said
from astero_bot_engine.interactions.replies import defer, reply
from astero_shared.features.cases.rules import MAX_NOTE, MAX_REASON, REQUIRED_PERMISSION, CaseAction
from astero_shared.i18n import text

# What the moderator needs, as discord.Permissions names it.
_PERMISSIONS: Final = {
    action: next(name for name, on in discord.Permissions(bits) if on)
    for action, bits in REQUIRED_PERMISSION.items()
}
_MAX_PURGE: Final = 500
_MAX_DURATION_TEXT: Final = 40

Interaction = discord.Interaction[Any]
Person = discord.Member | discord.User
Reason = app_commands.Range[str, 1, MAX_REASON]
Duration = app_commands.Range[str, 1, _MAX_DURATION_TEXT]


def _sub(name: str) -> Any:
    return app_commands.command(
        name=said(f"commands.mod.{name}.name"), description=said(f"commands.mod.{name}.description")
    )


def _options(**keys: str) -> Any:
    """Localised names and descriptions of options: `target="member"` takes `commands.mod.member.*`."""

    def decorate(command: Any) -> Any:
        names = {option: said(f"commands.mod.{key}.name") for option, key in keys.items()}
        helps = {option: said(f"commands.mod.{key}.description") for option, key in keys.items()}
        return app_commands.rename(**names)(app_commands.describe(**helps)(command))

    return decorate


class ModCommands(app_commands.Group):
    def __init__(self, moderation: Moderation) -> None:
        super().__init__(
            name=said("commands.mod.name"),
            description=said("commands.mod.description"),
            guild_only=True,
            default_permissions=discord.Permissions(moderate_members=True),
        )
        self._moderation = moderation

    @_sub("warn")
    @_options(member="member", reason="reason")
    async def warn(self, interaction: Interaction, member: Person, reason: Reason | None = None) -> None:
        await self._act(interaction, Wish(CaseAction.WARN, member, reason))

    @_sub("note")
    @_options(member="user", text="note_text")
    async def note(
        self, interaction: Interaction, member: Person, text: app_commands.Range[str, 1, MAX_NOTE]
    ) -> None:
        await self._act(interaction, Wish(CaseAction.NOTE, member, note=text))

    @_sub("timeout")
    @_options(member="member", duration="duration", reason="reason")
    async def timeout(
        self,
        interaction: Interaction,
        member: Person,
        duration: Duration | None = None,
        reason: Reason | None = None,
    ) -> None:
        await self._act(interaction, Wish(CaseAction.TIMEOUT, member, reason, duration=duration))

    @_sub("kick")
    @_options(member="member", reason="reason")
    async def kick(self, interaction: Interaction, member: Person, reason: Reason | None = None) -> None:
        await self._act(interaction, Wish(CaseAction.KICK, member, reason))

    @_sub("ban")
    @_options(member="user", duration="duration", reason="reason")
    async def ban(
        self,
        interaction: Interaction,
        member: Person,
        duration: Duration | None = None,
        reason: Reason | None = None,
    ) -> None:
        await self._act(interaction, Wish(CaseAction.BAN, member, reason, duration=duration))

    @_sub("unban")
    @_options(member="user", reason="reason")
    async def unban(self, interaction: Interaction, member: Person, reason: Reason | None = None) -> None:
        await self._act(interaction, Wish(CaseAction.UNBAN, member, reason))

    @_sub("purge")
    @_options(count="count", member="only")
    async def purge(
        self,
        interaction: Interaction,
        count: app_commands.Range[int, 1, _MAX_PURGE],
        member: discord.User | None = None,
    ) -> None:
        asker = require(interaction, _PERMISSIONS[CaseAction.PURGE])
        await defer(interaction)
        case, deleted = await self._moderation.purge(
            asker,
            channel_id=interaction.channel_id or 0,
            count=count,
            only=member,
            before=interaction.id,
        )
        answer = say_outcome(case, asker.locale)
        if case.failure is None:
            answer = text("moderation.replies.purged", asker.locale, number=case.number, count=deleted)
        await reply(interaction, answer)

    async def _act(self, interaction: Interaction, wish: Wish) -> None:
        asker = require(interaction, _PERMISSIONS[wish.action])
        await defer(interaction)
        case, asked = await self._moderation.act(asker, wish, cause=f"command:{interaction.id}")
        if asked:
            await reply(interaction, say_outcome(case, asker.locale))
        else:
            await reply(interaction, text("moderation.replies.later", asker.locale, number=case.number))
