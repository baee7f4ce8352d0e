"""Every sentence a user reads, by key and language: `text("cases.opened", "fr", number=12)`.

Keys and parameters are the same in all languages. An unknown key, a missing or a surplus parameter
raises at once: tests meet it, users do not.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from string import Formatter
from typing import Any, Final, Literal, NamedTuple

Locale = Literal["en", "fr"]
LOCALES: Final[tuple[Locale, ...]] = ("en", "fr")
_PLURAL: Final = frozenset({"one", "other"})


class Entry(NamedTuple):
    """One key of one language: `one` is None unless the sentence depends on `count`."""

    other: str
    one: str | None
    params: frozenset[str]


class TextMissingError(LookupError):
    """The key does not exist, or its parameters are not those given."""


def text(key: str, locale: Locale, /, **params: Any) -> str:
    """The sentence. A key with two forms takes the singular by the language's own rule for `count`."""
    entry = catalogue(locale).get(key)
    if entry is None:
        raise TextMissingError(f"{key} ({locale})")
    if params.keys() != entry.params:
        raise TextMissingError(f"{key} takes {sorted(entry.params)}, got {sorted(params)}")
    form = entry.other
    if entry.one is not None and _is_singular(params["count"], locale):
        form = entry.one
    return form.format_map(params) if params else form


def has_text(key: str, locale: Locale) -> bool:
    return key in catalogue(locale)


def nearest_locale(discord_locale: str | None) -> Locale:
    """Discord's locale codes (`fr`, `en-GB`, `pt-BR`, …) to one of ours; English where we have none."""
    return "fr" if discord_locale is not None and discord_locale.split("-")[0] == "fr" else "en"


@cache
def catalogue(locale: Locale) -> Mapping[str, Entry]:
    """All keys of a language, read once from its files in `locales/`: `en.toml`, `mail.en.toml`, …"""
    entries: dict[str, Entry] = {}
    for source in resources.files("astero_shared").joinpath("locales").iterdir():
        if f".{source.name}".endswith(f".{locale}.toml"):
            _collect("", tomllib.loads(source.read_text(encoding="utf-8")), entries)
    return entries


def _is_singular(count: int, locale: Locale) -> bool:
    # CLDR plural rules: French says "0 dossier", English says "0 cases".
    return count in {0, 1} if locale == "fr" else count == 1


def _collect(prefix: str, table: dict[str, Any], into: dict[str, Entry]) -> None:
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, str):
            into[key] = Entry(value, None, _params(value))
        elif value.keys() == _PLURAL:
            into[key] = Entry(value["other"], value["one"], _params(value["other"]) | {"count"})
        else:
            _collect(f"{key}.", value, into)


def _params(template: str) -> frozenset[str]:
    # A literal brace is doubled, as in str.format, but only in sentences that have parameters.
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name)
