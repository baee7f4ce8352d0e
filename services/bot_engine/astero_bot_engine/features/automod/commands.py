"""`/automod`: which rules are on, the words, and the domains that links may lead to."""

from typing import Any, Final

import discord
from discord import app_commands
from discord.app_commands import Choice

from astero_bot_engine.features.automod.service import (
    add_word,
    allow_domain,
    disallow_domain,
    plain,
    remove_word,
)
from astero_bot_engine.features.automod.views import status_embed
from astero_bot_engine.features.modules.service import SettingsDesk, SettingsMemory
from astero_bot_engine.interactions.access import require
from astero_bot_engine.interactions.language import command_name, said
from astero_bot_engine.interactions.replies import defer, reply
from astero_shared.features.automod.config import MAX_WORD_LENGTH, AutomodConfig
from astero_shared.features.automod.rules import Rule
from astero_shared.i18n import Locale, text

PERMISSION: Final = "manage_guild"
_MAX_CHOICES: Final = 25
_MAX_DOMAIN: Final = 253
_RULES: Final = [Choice(name=said(f"automod.rules.{rule.value}"), value=rule.value) for rule in Rule]

Interaction = discord.Interaction[Any]


class AutomodCommands(app_commands.Group):
    def __init__(self, *, desk: SettingsDesk, memory: SettingsMemory) -> None:
        super().__init__(
            name=said("commands.automod.name"),
            description=said("commands.automod.description"),
            guild_only=True,
            default_permissions=discord.Permissions(manage_guild=True),
        )
        self._desk = desk
        self.add_command(AllowCommands(desk=desk, memory=memory))
        self._memory = memory

    @app_commands.command(
        name=said("commands.automod.status.name"), description=said("commands.automod.status.description")
    )
    async def status(self, interaction: Interaction) -> None:
        asker = require(interaction, PERMISSION)
        await defer(interaction)
        config = await self._desk.read(asker.scope, AutomodConfig)
        await reply(interaction, embed=status_embed(asker.client, asker.guild, config, asker.locale))

    @app_commands.command(
        name=said("commands.automod.toggle.name"), description=said("commands.automod.toggle.description")
    )
    @app_commands.rename(
        rule=said("commands.automod.toggle.rule.name"), on=said("commands.automod.toggle.on.name")
    )
    @app_commands.describe(
        rule=said("commands.automod.toggle.rule.description"),
        on=said("commands.automod.toggle.on.description"),
    )
    @app_commands.choices(rule=_RULES)
    async def toggle(self, interaction: Interaction, rule: str, on: bool) -> None:  # noqa: FBT001 - an option
        asker = require(interaction, PERMISSION)
        await defer(interaction)
        change = await self._desk.change(asker.scope, AutomodConfig, lambda _: {rule: {"enabled": on}})
        name = text(f"automod.rules.{rule}", asker.locale)
        empty = _empty_list(change.after, rule, asker.locale)
        if on and empty is not None:
            answer = text("automod.replies.nothing_listed", asker.locale, rule=name, command=empty)
        else:
            answer = text(f"automod.replies.switched_{'on' if on else 'off'}", asker.locale, rule=name)
        await reply(interaction, answer)

    @app_commands.command(
        name=said("commands.automod.addword.name"), description=said("commands.automod.addword.description")
    )
    @app_commands.rename(word=said("commands.automod.addword.word.name"))
    @app_commands.describe(word=said("commands.automod.addword.word.description"))
    async def addword(
        self, interaction: Interaction, word: app_commands.Range[str, 1, MAX_WORD_LENGTH]
    ) -> None:
        asker = require(interaction, PERMISSION)
        await defer(interaction)
        config = await add_word(desk=self._desk, scope=asker.scope, word=word)
        rule = config.words
        answer = text("automod.replies.word_added", asker.locale, word=plain(word), count=len(rule.words))
        await reply(interaction, answer if rule.enabled else f"{answer}\n{_rule_off(asker.locale)}")

    @app_commands.command(
        name=said("commands.automod.removeword.name"),
        description=said("commands.automod.removeword.description"),
    )
    @app_commands.rename(word=said("commands.automod.removeword.word.name"))
    @app_commands.describe(word=said("commands.automod.removeword.word.description"))
    async def removeword(self, interaction: Interaction, word: str) -> None:
        asker = require(interaction, PERMISSION)
        await defer(interaction)
        config = await remove_word(desk=self._desk, scope=asker.scope, word=word)
        count = len(config.words.words)
        await reply(
            interaction,
            text("automod.replies.word_removed", asker.locale, word=plain(word), count=count),
        )

    @removeword.autocomplete("word")
    async def _suggest_words(self, interaction: Interaction, typed: str) -> list[Choice[str]]:
        asker = require(interaction, PERMISSION)
        settings = self._memory.of(asker.scope.bot_id, asker.guild.id)
        return _suggest(settings.config(AutomodConfig).words.words, typed)


class AllowCommands(app_commands.Group):
    """`/automod allow add|remove`."""

    def __init__(self, *, desk: SettingsDesk, memory: SettingsMemory) -> None:
        super().__init__(
            name=said("commands.automod.allow.name"), description=said("commands.automod.allow.description")
        )
        self._desk = desk
        self._memory = memory

    @app_commands.command(
        name=said("commands.automod.allow.add.name"),
        description=said("commands.automod.allow.add.description"),
    )
    @app_commands.rename(domain=said("commands.automod.allow.domain.name"))
    @app_commands.describe(domain=said("commands.automod.allow.domain.description"))
    async def add(self, interaction: Interaction, domain: app_commands.Range[str, 1, _MAX_DOMAIN]) -> None:
        asker = require(interaction, PERMISSION)
        await defer(interaction)
        added = await allow_domain(desk=self._desk, scope=asker.scope, domain=domain)
        await reply(interaction, text("automod.replies.domain_added", asker.locale, domain=plain(added)))

    @app_commands.command(
        name=said("commands.automod.allow.remove.name"),
        description=said("commands.automod.allow.remove.description"),
    )
    @app_commands.rename(domain=said("commands.automod.allow.domain.name"))
    @app_commands.describe(domain=said("commands.automod.allow.domain.description"))
    async def remove(self, interaction: Interaction, domain: app_commands.Range[str, 1, _MAX_DOMAIN]) -> None:
        asker = require(interaction, PERMISSION)
        await defer(interaction)
        await disallow_domain(desk=self._desk, scope=asker.scope, domain=domain)
        await reply(interaction, text("automod.replies.domain_removed", asker.locale, domain=plain(domain)))

    @remove.autocomplete("domain")
    async def _suggest_domains(self, interaction: Interaction, typed: str) -> list[Choice[str]]:
        asker = require(interaction, PERMISSION)
        settings = self._memory.of(asker.scope.bot_id, asker.guild.id)
        return _suggest(settings.config(AutomodConfig).links.allowed_domains, typed)


def _suggest(entries: tuple[str, ...], typed: str) -> list[Choice[str]]:
    wanted = typed.casefold()
    found = [entry for entry in entries if wanted in entry.casefold() and len(entry) <= 100]  # noqa: PLR2004
    return [Choice(name=entry, value=entry) for entry in found[:_MAX_CHOICES]]


def _empty_list(config: AutomodConfig, rule: str, locale: Locale) -> str | None:
    """The command that fills the list without which the rule does nothing."""
    if rule == Rule.WORDS and not config.words.words:
        return command_name(locale, "automod", "addword")
    if rule == Rule.PATTERNS and not config.patterns.patterns:
        return command_name(locale, "settings")
    return None


def _rule_off(locale: Locale) -> str:
    return text("automod.replies.rule_off", locale, command=command_name(locale, "automod", "toggle"))
