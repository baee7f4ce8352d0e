"""`/settings`: a panel of selects, buttons and forms for every module. It writes as the api writes."""

from typing import Any, Final

import discord
import msgspec
from discord import app_commands

from astero_bot_engine.features.modules.service import SettingsDesk, SettingsMemory
from astero_bot_engine.features.modules.views import (
    TOP,
    Screen,
    edit_form,
    field_of,
    field_screen,
    group_of,
    group_screen,
    home_screen,
    module_screen,
    say,
)
from astero_bot_engine.interactions.access import Asker, require
from astero_bot_engine.interactions.language import said
from astero_bot_engine.interactions.replies import NOBODY, reply
from astero_shared.errors import InvalidError, NotFoundError
from astero_shared.features.modules.catalog import MODULES
from astero_shared.features.modules.fields import Field, FieldKind, make_patch, read_value
from astero_shared.i18n import text

PERMISSION: Final = "manage_guild"

Interaction = discord.Interaction[Any]
Words = tuple[str, ...]


class SettingsPanel:
    """Handles every control whose custom_id begins with `settings:`."""

    def __init__(self, *, desk: SettingsDesk, memory: SettingsMemory) -> None:
        self._desk = desk
        self._memory = memory

    def command(self) -> app_commands.Command[Any, ..., Any]:
        @app_commands.command(
            name=said("commands.settings.name"), description=said("commands.settings.description")
        )
        @app_commands.guild_only()
        @app_commands.default_permissions(manage_guild=True)
        async def settings(interaction: Interaction) -> None:
            asker = require(interaction, PERMISSION)
            embed, view = home_screen(asker.locale)
            await reply(interaction, embed=embed, view=view)

        return settings

    async def handle(self, interaction: Interaction, words: Words) -> None:
        """`words` is the custom_id after `settings`: what to do, then the module, group or path, and page."""
        asker = require(interaction, PERMISSION)
        action, *rest = words
        if action == "edit":
            await self._open_form(interaction, asker, *rest)
            return
        await interaction.response.defer()
        chosen = _values(interaction)
        if action in {"set", "clear", "save"}:
            module, path = rest[:2]
            field = _field(asker, module, path)
            value = None
            if action == "set":
                value = rest[2] == "true" if len(rest) > 2 else _chosen(field, chosen)  # noqa: PLR2004
            elif action == "save":
                value = _written(field, interaction)
            embed, view = await self._write(asker, module, field, value)
        else:
            embed, view = await self._browse(asker, action, tuple(rest), chosen)
        await interaction.edit_original_response(embed=embed, view=view, allowed_mentions=NOBODY)

    async def _browse(self, asker: Asker, action: str, rest: Words, chosen: list[str]) -> Screen:
        match action, *rest, *chosen:
            case ("home",):
                return home_screen(asker.locale)
            case "module", module:
                return await self._module(asker, module, 0)
            case "module", module, page:
                return await self._module(asker, module, int(page))
            case "group", module, name:
                return await self._group(asker, module, name, 0)
            case "group", module, name, page:
                return await self._group(asker, module, name, int(page))
            case "field", module, group, name:
                field = _field(asker, module, name if group == TOP else f"{group}.{name}")
                return field_screen(module, field, await self._read(asker, module), asker.locale)
            case _:
                raise NotFoundError(code="interactions.outdated")

    async def _module(self, asker: Asker, module: str, page: int) -> Screen:
        if module not in MODULES:
            raise NotFoundError(code="interactions.outdated")
        return module_screen(module, await self._read(asker, module), page, asker.locale)

    async def _group(self, asker: Asker, module: str, name: str, page: int) -> Screen:
        group = group_of(module, name, asker.locale)
        if group is None:
            raise NotFoundError(code="interactions.outdated")
        return group_screen(module, group, await self._read(asker, module), page, asker.locale)

    async def _open_form(self, interaction: Interaction, asker: Asker, module: str, path: str) -> None:
        """A form must be the first answer, so the value comes from memory and not from the database."""
        field = _field(asker, module, path)
        settings = self._memory.of(asker.scope.bot_id, asker.guild.id)
        value = read_value(settings.configs[module], path)
        form = edit_form(module, field, value, asker.locale)
        if form is None:
            raise InvalidError(code="modules.list_too_long")
        await interaction.response.send_modal(form)

    async def _read(self, asker: Asker, module: str) -> msgspec.Struct:
        return await self._desk.read(asker.scope, MODULES[module].config)

    async def _write(self, asker: Asker, module: str, field: Field, value: Any) -> Screen:
        path = field.path
        patch = make_patch(path, value)
        change = await self._desk.change(asker.scope, MODULES[module].config, lambda _: patch)
        told = text("settings_panel.unchanged", asker.locale, setting=field.title)
        if change.changed:
            told = text(
                "settings_panel.changed",
                asker.locale,
                setting=field.title,
                before=say(field, read_value(change.before, path), asker.locale),
                after=say(field, read_value(change.after, path), asker.locale),
            )
        return field_screen(module, field, change.after, asker.locale, said=told)


def _field(asker: Asker, module: str, path: str) -> Field:
    field = field_of(module, path, asker.locale)
    if field is None:
        raise NotFoundError(code="interactions.outdated")
    return field


def _values(interaction: Interaction) -> list[str]:
    data: Any = interaction.data or {}
    return list(data.get("values", []))


def _chosen(field: Field, values: list[str]) -> Any:
    if field.kind in {FieldKind.CHANNELS, FieldKind.ROLES}:
        return values
    return values[0] if values else None


def _written(field: Field, interaction: Interaction) -> Any:
    data: Any = interaction.data or {}
    entered = _find_text(data.get("components", []))
    if field.kind is FieldKind.STRINGS:
        return [line.strip() for line in entered.splitlines() if line.strip()]
    if field.kind is FieldKind.STRING:
        return entered
    try:
        return int(entered.strip())
    except ValueError:
        raise InvalidError(code="modules.config_invalid", sentence="config.whole_number") from None


def _find_text(parts: list[Any]) -> str:
    """The one text of a form, in a label (today's form) or in a row (as older clients send it)."""
    for part in parts:
        inner = part.get("component")
        for one in [*part.get("components", []), *([] if inner is None else [inner])]:
            if "value" in one:
                return str(one["value"])
    return ""
