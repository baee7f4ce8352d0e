"""`/cases`: the newest cases, one case with its internal note, and another reason for it."""

from typing import Any, Final

import discord
from discord import app_commands, ui
from discord.app_commands import Choice
from sqlalchemy.ext.asyncio import AsyncEngine

from astero_bot_engine.features.cases.views import case_embed, list_embed
from astero_bot_engine.features.modules.service import SettingsMemory
from astero_bot_engine.interactions.access import Asker, require
from astero_bot_engine.interactions.language import said
from astero_bot_engine.interactions.replies import defer, reply, static_view
from astero_shared.db.session import reading, transaction
from astero_shared.features.cases.config import CasesConfig
from astero_shared.features.cases.rules import MAX_REASON, CaseAction
from astero_shared.features.cases.service import edit_case
from astero_shared.features.cases.store import get_case, list_cases
from astero_shared.i18n import text

WORD: Final = "cases"
PERMISSION: Final = "moderate_members"
_PAGE: Final = 10
_HIGHEST_NUMBER: Final = 2**31 - 1
_ACTIONS: Final = [Choice(name=said(f"cases.actions.{action}"), value=action.value) for action in CaseAction]

Interaction = discord.Interaction[Any]
Number = app_commands.Range[int, 1, _HIGHEST_NUMBER]


class CasesCommands(app_commands.Group):
    def __init__(self, db: AsyncEngine, *, memory: SettingsMemory) -> None:
        super().__init__(
            name=said("commands.cases.name"),
            description=said("commands.cases.description"),
            guild_only=True,
            default_permissions=discord.Permissions(moderate_members=True),
        )
        self._db = db
        self._memory = memory

    @app_commands.command(
        name=said("commands.cases.list.name"), description=said("commands.cases.list.description")
    )
    @app_commands.rename(
        member=said("commands.cases.list.member.name"), action=said("commands.cases.list.action.name")
    )
    @app_commands.describe(
        member=said("commands.cases.list.member.description"),
        action=said("commands.cases.list.action.description"),
    )
    @app_commands.choices(action=_ACTIONS)
    async def list(
        self, interaction: Interaction, member: discord.User | None = None, action: str | None = None
    ) -> None:
        asker = require(interaction, PERMISSION)
        await defer(interaction)
        await self._show_page(interaction, asker, None if member is None else member.id, action, None)

    @app_commands.command(
        name=said("commands.cases.show.name"), description=said("commands.cases.show.description")
    )
    @app_commands.rename(number=said("commands.cases.number.name"))
    @app_commands.describe(number=said("commands.cases.number.description"))
    async def show(self, interaction: Interaction, number: Number) -> None:
        asker = require(interaction, PERMISSION)
        await defer(interaction)
        async with reading(self._db) as session:
            case = await get_case(session, asker.scope, number)
        await reply(interaction, embed=case_embed(case, asker.locale))

    @app_commands.command(
        name=said("commands.cases.reason.name"), description=said("commands.cases.reason.description")
    )
    @app_commands.rename(
        number=said("commands.cases.number.name"), reason=said("commands.cases.new_reason.name")
    )
    @app_commands.describe(
        number=said("commands.cases.number.description"),
        reason=said("commands.cases.new_reason.description"),
    )
    async def reason(
        self, interaction: Interaction, number: Number, reason: app_commands.Range[str, 1, MAX_REASON]
    ) -> None:
        asker = require(interaction, PERMISSION)
        await defer(interaction)
        async with transaction(self._db) as session:
            before = (await get_case(session, asker.scope, number, lock=True)).reason
            case = await edit_case(
                session=session,
                scope=asker.scope,
                number=number,
                config=self._memory.of(asker.scope.bot_id, asker.guild.id).config(CasesConfig),
                reason=reason,
            )
        await reply(
            interaction,
            text(
                "cases.replies.reason_changed",
                asker.locale,
                number=number,
                before=before or text("cases.log.no_reason", asker.locale),
                after=case.reason or text("cases.log.no_reason", asker.locale),
            ),
        )

    async def turn_page(self, interaction: Interaction, words: tuple[str, ...]) -> None:
        """The button under a list: `cases:<before number>:<member id or 0>:<action or nothing>`."""
        asker = require(interaction, PERMISSION)
        before, member_id, action = words
        await interaction.response.defer()
        await self._show_page(interaction, asker, int(member_id) or None, action or None, int(before))

    async def _show_page(
        self,
        interaction: Interaction,
        asker: Asker,
        member_id: int | None,
        action: str | None,
        before: int | None,
    ) -> None:
        async with reading(self._db) as session:
            found = await list_cases(
                session, asker.scope, target_id=member_id, action=action, before=before, limit=_PAGE + 1
            )
        view = None
        if len(found) > _PAGE:
            word = f"{WORD}:{found[_PAGE - 1].number}:{member_id or 0}:{action or ''}"
            label = text("cases.replies.older", asker.locale)
            view = static_view(ui.Button[ui.View](label=label, custom_id=word))
        await reply(interaction, embed=list_embed(found[:_PAGE], asker.locale), view=view)
