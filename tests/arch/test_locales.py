"""Every sentence exists in every language, with the same blanks to fill in."""

import string
import tomllib
from typing import Any

import pytest
from support.source import ROOT

from astero_shared.features.modules.catalog import MODULES
from astero_shared.features.modules.fields import list_fields, list_groups
from astero_shared.i18n import LOCALES, Locale

FOLDER = ROOT / "libs/shared/astero_shared/locales"


def sentences(table: dict[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            found |= sentences(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found


def differences(first: dict[str, str], second: dict[str, str]) -> list[str]:
    missing = [f"only one has {key}" for key in sorted(first.keys() ^ second.keys())]
    empty = [f"{key} is empty" for side in (first, second) for key, text in side.items() if not text.strip()]
    unlike = [
        f"{key} fills in {blanks(first[key])} and {blanks(second[key])}"
        for key in sorted(first.keys() & second.keys())
        if blanks(first[key]) != blanks(second[key])
    ]
    return missing + empty + unlike


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def read(locale: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in (FOLDER / f"{locale}.toml", *FOLDER.glob(f"*.{locale}.toml")):
        more = sentences(tomllib.loads(file.read_text()))
        assert not found.keys() & more.keys(), f"{file.name} says again what another file says"
        found |= more
    return found


def without_settings(found: dict[str, str]) -> dict[str, str]:
    """A setting's English stands beside the setting, so these keys exist in the other languages only."""
    beside = tuple(f"config.{module}." for module in MODULES)
    return {key: sentence for key, sentence in found.items() if not key.startswith(beside)}


def test_every_language_says_everything() -> None:
    english = read("en")
    assert english
    for locale in LOCALES:
        assert differences(english, without_settings(read(locale))) == [], locale


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("module", MODULES)
def test_every_setting_has_a_title_and_a_help_in_every_language(module: str, locale: Locale) -> None:
    described = [*list_groups(module, locale), *list_fields(module, locale)]
    assert described
    # The settings at the top of a module are a group without words of its own.
    assert [part for part in described if part.path and not (part.title and part.help)] == []


def test_no_translation_is_kept_for_a_setting_that_is_gone() -> None:
    names = {part.path for m in MODULES for part in (*list_groups(m, "en"), *list_fields(m, "en"))}
    words = {word for name in names for word in name.split(".")} | {"title", "help", "each"}
    for locale in LOCALES:
        found = read(locale)
        for key in found.keys() - without_settings(found).keys():
            assert words.issuperset(key.split(".")[2:]), f"{locale}: {key}"


def test_planted_differences_are_caught() -> None:
    first = {"a": "x {n}", "b": "y", "c": "z"}
    second = {"a": "x {m}", "b": " "}
    assert len(differences(first, second)) == 3
    assert differences(first, first) == []
