"""The lists of automod, one entry at a time: the words, and the domains that links may lead to.

Each function changes the settings as every other change of them does: one revision, one audit row.
"""

from collections.abc import Mapping
from typing import Any

import discord

from astero_bot_engine.features.modules.service import SettingsDesk
from astero_shared.errors import ConflictError, NotFoundError
from astero_shared.features.automod.config import AutomodConfig
from astero_shared.features.automod.domains import normalise_domain
from astero_shared.features.modules.fields import make_patch
from astero_shared.scope import GuildScope


async def add_word(*, desk: SettingsDesk, scope: GuildScope, word: str) -> AutomodConfig:
    """The settings after it. Raises ConflictError for a listed word, InvalidError for an impossible one."""

    def patch(config: AutomodConfig) -> Mapping[str, Any]:
        if _find(config.words.words, word) is not None:
            raise ConflictError(code="automod.word_known", params={"word": plain(word)})
        return make_patch("words.words", [*config.words.words, word])

    return (await desk.change(scope, AutomodConfig, patch)).after


async def remove_word(*, desk: SettingsDesk, scope: GuildScope, word: str) -> AutomodConfig:
    """The settings after it. Raises NotFoundError for a word that is not listed."""

    def patch(config: AutomodConfig) -> Mapping[str, Any]:
        listed = _find(config.words.words, word)
        if listed is None:
            raise NotFoundError(code="automod.word_unknown", params={"word": plain(word)})
        return make_patch("words.words", [one for one in config.words.words if one != listed])

    return (await desk.change(scope, AutomodConfig, patch)).after


async def allow_domain(*, desk: SettingsDesk, scope: GuildScope, domain: str) -> str:
    """The domain as it is listed now. Raises ConflictError where it was, InvalidError for what is none."""

    def patch(config: AutomodConfig) -> Mapping[str, Any]:
        if normalise_domain(domain) in config.links.allowed_domains:
            raise ConflictError(code="automod.domain_known", params={"domain": plain(domain)})
        return make_patch("links.allowedDomains", [*config.links.allowed_domains, domain])

    return (await desk.change(scope, AutomodConfig, patch)).after.links.allowed_domains[-1]


async def disallow_domain(*, desk: SettingsDesk, scope: GuildScope, domain: str) -> None:
    """Raises NotFoundError for a domain that is not listed."""

    def patch(config: AutomodConfig) -> Mapping[str, Any]:
        gone, allowed = normalise_domain(domain), config.links.allowed_domains
        if gone not in allowed:
            raise NotFoundError(code="automod.domain_unknown", params={"domain": plain(domain)})
        return make_patch("links.allowedDomains", [one for one in allowed if one != gone])

    await desk.change(scope, AutomodConfig, patch)


def plain(word: str) -> str:
    """As it was typed, and not as Discord would format it."""
    return discord.utils.escape_markdown(word)


def _find(words: tuple[str, ...], word: str) -> str | None:
    """The listed word that is the same but for its case and spaces."""
    wanted = " ".join(word.split()).casefold()
    return next((listed for listed in words if listed.casefold() == wanted), None)
