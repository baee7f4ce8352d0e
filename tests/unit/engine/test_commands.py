"""The slash commands as Discord takes them: its limits hold in both languages, nothing is missing."""

import re
from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

import discord
import pytest
from discord import app_commands

from astero_bot_engine.features.automod.commands import AutomodCommands
from astero_bot_engine.features.cases.commands import CasesCommands
from astero_bot_engine.features.moderation.commands import ModCommands
from astero_bot_engine.features.modules.commands import SettingsPanel
from astero_bot_engine.interactions.language import CatalogueTranslator

# discord/discord-api-docs, interactions/application-commands: names of chat input commands.
NAME = re.compile(r"^[-_'\w]{1,32}$")


@pytest.fixture
async def payload() -> list[dict[str, Any]]:
    anything: Any = MagicMock()
    commands = [
        AutomodCommands(desk=anything, memory=anything),
        ModCommands(anything),
        CasesCommands(anything, memory=anything),
        SettingsPanel(desk=anything, memory=anything).command(),
    ]
    tree = app_commands.CommandTree(discord.Client(intents=discord.Intents.none()))
    return [await command.get_translated_payload(tree, CatalogueTranslator()) for command in commands]


def parts(command: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield command
    for option in command.get("options", []):
        yield from parts(option)


def test_the_commands_are_those_promised(payload: list[dict[str, Any]]) -> None:
    named = {command["name"]: {option["name"] for option in command["options"]} for command in payload}
    assert named == {
        "automod": {"allow", "status", "toggle", "addword", "removeword"},
        "mod": {"warn", "note", "timeout", "kick", "ban", "unban", "purge"},
        "cases": {"list", "show", "reason"},
        "settings": set(),
    }


def test_every_name_and_description_fits_in_both_languages(payload: list[dict[str, Any]]) -> None:
    for command in payload:
        for part in parts(command):
            names = [part["name"], part["name_localizations"]["fr"]]
            assert all(NAME.fullmatch(name) and name == name.lower() for name in names), names
            told = [part["description"], part["description_localizations"]["fr"]]
            assert all(0 < len(text) <= 100 for text in told), told
            for choice in part.get("choices", []):
                assert choice["name_localizations"]["fr"]


def test_siblings_differ_in_every_language(payload: list[dict[str, Any]]) -> None:
    for command in payload:
        for part in parts(command):
            for language in ("name", "fr"):
                names = [
                    option["name"] if language == "name" else option["name_localizations"][language]
                    for option in part.get("options", [])
                ]
                assert len(names) == len(set(names)), names


def test_a_command_stays_below_discords_size(payload: list[dict[str, Any]]) -> None:
    for command in payload:
        size = sum(
            len(part["name"])
            + len(part["description"])
            + sum(len(str(c["value"])) for c in part.get("choices", []))
            for part in parts(command)
        )
        assert size < 8000


def test_members_without_rights_are_not_offered_them(payload: list[dict[str, Any]]) -> None:
    defaults = {command["name"]: int(command["default_member_permissions"]) for command in payload}
    manage, moderate = 1 << 5, 1 << 40
    assert defaults == {"automod": manage, "mod": moderate, "cases": moderate, "settings": manage}
    assert {command["dm_permission"] for command in payload} == {False}
