"""One catalogue per language: the same keys, the same parameters, clean typography."""

import re
from pathlib import Path

import pytest

import astero_shared
from astero_shared.features.modules.catalog import MODULES
from astero_shared.i18n import LOCALES, TextMissingError, catalogue, nearest_locale, text

# Titles and help of settings stand in the Structs in English, in the catalogue in other languages.
_SETTINGS = tuple(f"config.{module}." for module in MODULES)
_ROOT = Path(astero_shared.__file__).parents[3]
_IMPORT = re.compile(r"^from astero_shared\.i18n import .*\btext\b", re.MULTILINE)
_CALL = re.compile(r"""\btext\(\s*"([a-zA-Z_.]+)"\s*,""")


def test_every_key_stands_in_every_language() -> None:
    english = catalogue("en").keys()
    french = {key for key in catalogue("fr") if not key.startswith(_SETTINGS)}
    assert english == french


@pytest.mark.parametrize("key", sorted(catalogue("en")))
def test_a_sentence_takes_the_same_parameters_in_every_language(key: str) -> None:
    english, french = catalogue("en")[key], catalogue("fr")[key]
    assert english.params == french.params
    assert (english.one is None) == (french.one is None)
    params = dict.fromkeys(english.params, 3)
    for locale in LOCALES:
        assert "{" not in text(key, locale, **params)


@pytest.mark.parametrize(("key", "entry"), sorted(catalogue("fr").items()))
def test_french_is_set_as_french(key: str, entry: tuple[str, str | None, frozenset[str]]) -> None:
    for sentence in filter(None, entry[:2]):
        assert "'" not in sentence, key
        assert '"' not in sentence, key
        # Plain blanks there let a line break before the sign.
        assert not re.search(r" [:;!?»%]|« ", sentence), key
        # Markup of Discord (<t:1:f>, <@1>, <#1>) and addresses keep their colons.
        assert not re.search(r"[\wà-ÿ}][!?;»]", sentence), key
        assert "..." not in sentence, key


def test_a_missing_key_or_parameter_raises() -> None:
    for call in (
        lambda: text("no.such.key", "en"),
        lambda: text("errors.config.integer", "en"),
        lambda: text("errors.config.integer", "en", min=1, max=2, surplus=3),
        lambda: text("errors.config.unknown_field", "en", surplus=3),
        lambda: text("errors.config", "en"),
    ):
        with pytest.raises(TextMissingError):
            call()


def test_parameters_are_put_in_and_never_read_as_templates() -> None:
    shown = text("errors.config.integer", "fr", min="{max}", max="{0.__class__}")
    assert shown == "Nombre entier attendu, de {max} à {0.__class__}."


def test_the_plural_follows_the_language() -> None:
    assert [text("durations.hours", "en", count=n) for n in (0, 1, 2)] == [
        "0 hours",
        "1 hour",
        "2 hours",
    ]
    assert [text("durations.hours", "fr", count=n) for n in (0, 1, 2)] == [
        "0 heure",
        "1 heure",
        "2 heures",
    ]


@pytest.mark.parametrize(
    ("given", "ours"),
    [("fr", "fr"), ("fr-CA", "fr"), ("en-GB", "en"), ("de", "en"), ("fro", "en"), (None, "en")],
)
def test_discords_languages_map_to_ours(given: str | None, ours: str) -> None:
    assert nearest_locale(given) == ours


def test_every_key_that_the_code_names_exists() -> None:
    named = {
        key
        for folder in ("libs", "services", "deploy")
        for source in (_ROOT / folder).rglob("*.py")
        if _IMPORT.search(code := source.read_text(encoding="utf-8"))
        for key in _CALL.findall(code)
    }
    assert named
    assert named <= catalogue("en").keys()
