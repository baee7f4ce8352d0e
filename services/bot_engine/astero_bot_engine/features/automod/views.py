"""What `/automod status` shows: every rule at a glance, and what keeps automod from working."""

import discord

from astero_bot_engine.gateway.client import BotClient
from astero_bot_engine.interactions.language import command_name
from astero_shared.features.automod.config import AutomodConfig, RuleConfig
from astero_shared.features.automod.rules import Rule
from astero_shared.i18n import Locale, text


def status_embed(
    client: BotClient, guild: discord.Guild, config: AutomodConfig, locale: Locale
) -> discord.Embed:
    lines = [_line(config, rule, locale) for rule in Rule]
    lines += [
        "",
        *_troubles(client, guild, locale),
        text("automod.status.hint", locale, command=command_name(locale, "settings")),
    ]
    return discord.Embed(
        title=text("automod.status.title", locale), description="\n".join(lines), colour=0x5865F2
    )


def _line(config: AutomodConfig, rule: Rule, locale: Locale) -> str:
    settings: RuleConfig = getattr(config, rule.value)
    name = text(f"automod.rules.{rule.value}", locale)
    if not settings.enabled:
        return f"⚪ {name}: {text('automod.status.off', locale)}"
    action = text(f"config.choices.RuleAction.{settings.action.value}", locale)
    parts = [text("automod.status.on", locale, action=action)]
    if rule is Rule.WORDS:
        parts.append(text("automod.status.words", locale, count=len(config.words.words)))
    if rule is Rule.LINKS:
        parts.append(text("automod.status.domains", locale, count=len(config.links.allowed_domains)))
    if rule is Rule.PATTERNS:
        parts.append(text("automod.status.patterns", locale, count=len(config.patterns.patterns)))
    return f"🟢 **{name}**: {', '.join(parts)}"


def _troubles(client: BotClient, guild: discord.Guild, locale: Locale) -> list[str]:
    troubles: list[str] = []
    if client.plan is not None and "MESSAGE_CONTENT" in client.plan.missing:
        troubles.append(f"⚠️ {text('automod.status.intents', locale, url=client.plan.portal_url)}")
    if not guild.me.guild_permissions.manage_messages:
        name = text("permissions.manage_messages", locale)
        troubles.append(f"⚠️ {text('automod.status.permission', locale, permission=name)}")
    return troubles
