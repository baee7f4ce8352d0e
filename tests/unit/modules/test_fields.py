"""One definition, every face: each setting of each module is whole in fields, schema and both languages."""

from typing import Any

import jsonschema
import msgspec
import pytest

from astero_shared.features.modules.catalog import MODULES
from astero_shared.features.modules.fields import (
    Field,
    FieldKind,
    find_field,
    list_fields,
    list_groups,
    make_patch,
    module_title,
    read_value,
)
from astero_shared.features.modules.patches import apply_patch, encode_config
from astero_shared.features.modules.schema import DIALECT, module_schema
from astero_shared.i18n import LOCALES, catalogue

EVERY = [(module, field) for module in MODULES for field in list_fields(module, "en")]
NAMES = [f"{module}.{field.path}" for module, field in EVERY]
every_field = pytest.mark.parametrize(("module", "field"), EVERY, ids=NAMES)


def leaves(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, inner in value.items():
        path = f"{prefix}{name}"
        found |= leaves(inner, f"{path}.") if isinstance(inner, dict) else {path: inner}
    return found


@pytest.mark.parametrize("module", MODULES)
def test_the_fields_are_the_settings_and_nothing_else(module: str) -> None:
    default = leaves(encode_config(MODULES[module].default()))
    assert {field.path: field.default for field in list_fields(module, "en")} == default


@every_field
def test_a_field_is_titled_and_explained_in_every_language(module: str, field: Field) -> None:
    said = [find_field(module, field.path, locale) for locale in LOCALES]
    for one in said:
        assert one is not None
        assert one.title
        assert one.help.endswith((".", "*."))
        assert len(one.title) <= 45  # Discord cuts labels of modals there
        assert all(choice.label for choice in one.choices)
    english, french = said
    assert english is not None
    assert french is not None
    assert (english.kind, english.maximum, english.default) == (french.kind, french.maximum, french.default)
    # "Patterns" and the like would show a translation that was forgotten.
    assert english.help != french.help


def described(module: str, path: str) -> dict[str, Any]:
    """The part of the schema that describes a field; what it refers to, overlaid by its own words."""
    root = module_schema(module)
    part: dict[str, Any] = root
    for name in path.split("."):
        part = part["properties"][name]
        if "$ref" in part:
            part = root["$defs"][part["$ref"].rpartition("/")[2]] | part
    return part


@every_field
def test_a_field_stands_in_the_schema_with_its_words_and_bounds(module: str, field: Field) -> None:
    part = described(module, field.path)
    assert (part["title"], part["description"]) == (field.title, field.help)
    assert part["default"] == field.default
    bound = {FieldKind.INTEGER: "maximum", FieldKind.STRING: "maxLength"}.get(field.kind, "maxItems")
    assert part.get(bound, msgspec.UNSET) == field.maximum
    if field.kind is FieldKind.STRINGS:
        assert part["items"]["maxLength"] == field.item_maximum


@every_field
def test_lists_and_numbers_have_bounds(module: str, field: Field) -> None:
    assert module in MODULES
    if field.kind not in {FieldKind.BOOLEAN, FieldKind.CHOICE, FieldKind.CHANNEL, FieldKind.ROLE}:
        assert isinstance(field.maximum, int)
    if field.kind is FieldKind.STRINGS:
        assert isinstance(field.item_maximum, int)


@pytest.mark.parametrize("module", MODULES)
def test_the_schema_is_valid_and_takes_the_defaults_and_nothing_unknown(module: str) -> None:
    schema = module_schema(module)
    assert schema["$schema"] == DIALECT
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    default = encode_config(MODULES[module].default())
    validator.validate(default)
    assert not validator.is_valid(default | {"unknown": 1})


@every_field
def test_a_field_can_be_read_and_set_to_what_it_is(module: str, field: Field) -> None:
    config = MODULES[module].default()
    assert read_value(config, field.path) == field.default
    assert apply_patch(config, make_patch(field.path, field.default)) == config


def test_a_value_is_read_in_its_json_form() -> None:
    config = apply_patch(MODULES["cases"].default(), {"logChannel": "42", "language": "fr"})
    assert read_value(config, "logChannel") == "42"
    assert read_value(config, "language") == "fr"


@pytest.mark.parametrize("module", MODULES)
def test_no_translation_of_a_setting_is_left_over(module: str) -> None:
    prefix = f"config.{module}."
    groups = list_groups(module, "en")
    paths = {field.path for group in groups for field in group.fields} | {group.path for group in groups}
    shared = {f"each.{path.rpartition('.')[2]}" for path in paths}
    for key in catalogue("fr"):
        if key.startswith(prefix):
            path, _, what = key.removeprefix(prefix).rpartition(".")
            assert what in {"title", "help"}
            assert path in paths | shared, key


def test_groups_carry_their_own_words() -> None:
    words, *_ = list_groups("automod", "fr")
    assert (words.path, words.title) == ("words", "Mots")
    assert module_title("automod", "fr") == "Automodération"
    (top,) = list_groups("cases", "en")
    assert (top.path, top.title) == ("", "Cases")


def test_kinds_follow_from_types() -> None:
    kinds = {field.path: field.kind for field in list_fields("automod", "en")}
    assert kinds["words.enabled"] is FieldKind.BOOLEAN
    assert kinds["words.action"] is FieldKind.CHOICE
    assert kinds["words.durationMinutes"] is FieldKind.INTEGER
    assert kinds["words.exemptRoles"] is FieldKind.ROLES
    assert kinds["words.exemptChannels"] is FieldKind.CHANNELS
    assert kinds["words.words"] is FieldKind.STRINGS
    log = find_field("cases", "logChannel", "en")
    assert log is not None
    assert (log.kind, log.nullable) == (FieldKind.CHANNEL, True)


def test_the_list_of_fields_is_json() -> None:
    for module in MODULES:
        for locale in LOCALES:
            again = msgspec.json.decode(msgspec.json.encode(list_groups(module, locale)))
            assert again[0]["fields"][0]["path"]


@pytest.mark.parametrize("module", MODULES)
def test_intents_are_named_as_discord_names_them(module: str) -> None:
    discord = pytest.importorskip("discord")
    assert MODULES[module].intents <= set(discord.Intents.VALID_FLAGS)
    assert module_title(module, "en") == MODULES[module].title
