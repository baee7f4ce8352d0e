"""Messages, modals and commands of any shape: either taken, or refused with 50035; and the edges."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from astero_sandbox.discord.errors import DiscordError
from astero_sandbox.discord.payloads.components import normalise_components
from astero_sandbox.discord.rest.command_form import checked_command
from astero_sandbox.discord.rest.message_form import checked_message_form
from astero_sandbox.discord.rest.modal_form import check_modal
from astero_sandbox.discord.snowflakes import SnowflakeClock

LEAVES = st.none() | st.booleans() | st.integers(-5, 20) | st.text(max_size=5) | st.just("https://a.b")
KEYS = st.sampled_from(["text", "name", "value", "url", "type", "parse", "users", "id", "label"])
ODD = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)
NAME = st.sampled_from(["a", "b", "go"]) | ODD


def listed(item: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(item | ODD, max_size=3) | ODD


def nearly(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with some of these fields; each mostly right."""
    return st.fixed_dictionaries({}, optional=fields)


CHOICE = nearly(name=NAME, value=NAME, label=NAME, description=ODD, default=ODD)
LEAF = nearly(
    type=st.sampled_from([2, 3, 4, 5, 10, 21, 22, 23]) | ODD,
    id=ODD,
    style=st.sampled_from([1, 5]) | ODD,
    custom_id=NAME,
    label=NAME,
    url=ODD,
    options=listed(CHOICE),
    min_values=ODD,
    content=ODD,
)
COMPONENT = st.recursive(
    LEAF,
    lambda inner: nearly(
        type=st.sampled_from([1, 9, 17, 18]) | ODD,
        id=ODD,
        label=NAME,
        components=listed(inner),
        component=inner | ODD,
        accessory=inner | ODD,
    ),
    max_leaves=6,
)
EMBED = nearly(
    title=ODD,
    url=ODD,
    color=ODD,
    fields=listed(nearly(name=NAME, value=NAME, inline=ODD)),
    footer=ODD,
    author=ODD,
    image=ODD,
)
MESSAGE = nearly(
    content=NAME,
    embeds=listed(EMBED),
    components=listed(COMPONENT),
    flags=st.sampled_from([0, 1 << 15]) | ODD,
    nonce=ODD,
    allowed_mentions=nearly(parse=ODD, users=ODD, roles=ODD) | ODD,
    message_reference=ODD,
    attachments=ODD,
)
MODAL = nearly(custom_id=NAME, title=NAME, components=listed(COMPONENT))
OPTION = st.recursive(
    nearly(type=st.integers(1, 12), name=NAME, description=NAME, required=ODD, choices=listed(CHOICE)),
    lambda inner: nearly(type=st.sampled_from([1, 2]), name=NAME, description=NAME, options=listed(inner)),
    max_leaves=6,
)
COMMAND = nearly(
    name=NAME,
    description=NAME,
    type=st.sampled_from([1, 2]) | ODD,
    options=listed(OPTION),
    default_member_permissions=ODD,
    contexts=ODD,
    integration_types=ODD,
    nsfw=ODD,
    name_localizations=ODD,
)


def refused_at(error: DiscordError) -> set[str]:
    """The dotted paths of everything that was wrong."""
    found: set[str] = set()

    def walk(node: dict[str, Any], path: str) -> None:
        for key, value in node.items():
            if key == "_errors":
                found.add(path)
            else:
                walk(value, f"{path}.{key}".strip("."))

    walk(error.errors or {}, "")
    return found


def must_name_fields(error: DiscordError) -> None:
    assert error.code == 50035
    assert refused_at(error)


@given(MESSAGE)
def test_any_message_is_taken_or_refused_by_its_fields(body: dict[str, Any]) -> None:
    try:
        form = checked_message_form(body, [])
    except DiscordError as error:
        must_name_fields(error)
    else:
        form.changes(SnowflakeClock())


@given(MODAL)
@example({"custom_id": "a", "title": "a", "components": [{"type": 10, "id": [None]}]})
@example({"custom_id": "a", "title": "a", "components": [{"type": 10, "components": 1}]})
def test_any_modal_is_taken_or_refused_by_its_fields(body: dict[str, Any]) -> None:
    try:
        check_modal(body)
    except DiscordError as error:
        must_name_fields(error)
    else:
        normalise_components(body["components"])


@given(COMMAND)
def test_any_command_is_taken_or_refused_by_its_fields(body: dict[str, Any]) -> None:
    try:
        command = checked_command(body, "")
    except DiscordError as error:
        must_name_fields(error)
    else:
        assert checked_command(command, "") == command


def row(*components: dict[str, Any]) -> dict[str, Any]:
    return {"type": 1, "components": list(components)}


BUTTON = {"type": 2, "style": 1, "label": "Go", "custom_id": "go"}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"content": "x" * 2001}, "content"),
        ({"embeds": [{}] * 11}, "embeds"),
        ({"embeds": [{"description": "x" * 4097}]}, "embeds.0.description"),
        ({"embeds": [{"description": "x" * 3001}] * 2}, "embeds"),
        ({"embeds": [{"fields": [{"name": "n", "value": "v"}] * 26}]}, "embeds.0.fields"),
        ({"embeds": [{"fields": [{"name": "n"}]}]}, "embeds.0.fields.0.value"),
        ({"embeds": [{"url": "javascript:alert(1)"}]}, "embeds.0.url"),
        ({"components": [BUTTON]}, "components.0.type"),
        ({"components": [row()]}, "components.0.components"),
        ({"components": [row(*[BUTTON] * 2)]}, "components.0.components.1.custom_id"),
        ({"components": [row(BUTTON | {"custom_id": "x" * 101})]}, "components.0.components.0.custom_id"),
        ({"components": [row(BUTTON | {"label": "x" * 81})]}, "components.0.components.0.label"),
        (
            {"components": [row({"type": 3, "custom_id": "a", "options": []})]},
            "components.0.components.0.options",
        ),
        ({"content": "x", "flags": 1 << 15}, "content"),
        ({"nonce": "x" * 26}, "nonce"),
    ],
)
def test_what_is_too_much_is_named(body: dict[str, Any], where: str) -> None:
    with pytest.raises(DiscordError) as error:
        checked_message_form(body, [])
    assert where in refused_at(error.value)


def test_components_are_numbered_around_the_ids_that_were_chosen() -> None:
    given = [row(BUTTON, BUTTON | {"custom_id": "b", "id": 1}), row({"type": 5, "custom_id": "who"})]
    shown = normalise_components(given)
    ids = [shown[0]["id"], *(item["id"] for item in shown[0]["components"]), shown[1]["id"]]
    assert ids == [2, 3, 1, 4]
    assert shown[1]["components"][0] == {
        "type": 5, "custom_id": "who", "id": 5, "min_values": 1, "max_values": 1
    }  # fmt: skip
    assert "id" not in given[0]


def option(kind: int, name: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": kind, "name": name, "description": "d"} | more


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ([option(3, "a"), option(3, "b", required=True)], "options.1"),
        ([option(3), option(3)], "options.1.name"),
        ([option(3, "Upper")], "options.0.name"),
        ([option(1, options=[option(1)])], "options.0.options.0.type"),
        ([option(2, options=[option(3)])], "options.0.options.0.type"),
        ([option(3, str(number)) for number in range(26)], "options"),
        ([option(3, choices=[{"name": "n"}] * 26)], "options.0.choices"),
    ],
)
def test_commands_are_held_to_discords_rules(options: list[dict[str, Any]], where: str) -> None:
    with pytest.raises(DiscordError) as error:
        checked_command({"name": "x", "description": "d", "options": options}, "")
    assert where in refused_at(error.value)


def test_eight_thousand_characters_are_the_most() -> None:
    options = [option(3, f"o{n}", choices=[{"name": "n", "value": "v" * 100}] * 25) for n in range(4)]
    with pytest.raises(DiscordError) as error:
        checked_command({"name": "x", "description": "d", "options": options}, "")
    assert refused_at(error.value) == {"name"}
