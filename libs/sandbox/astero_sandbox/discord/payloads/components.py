"""Components as Discord gives them back: numbered, and with the defaults filled in.

https://discord.com/developers/docs/components/reference
"""

from collections.abc import Iterator
from itertools import count
from typing import Final

from astero_sandbox.discord.models import Json

ACTION_ROW: Final = 1
BUTTON: Final = 2
STRING_SELECT: Final = 3
TEXT_INPUT: Final = 4
USER_SELECT: Final = 5
ROLE_SELECT: Final = 6
MENTIONABLE_SELECT: Final = 7
CHANNEL_SELECT: Final = 8
LABEL: Final = 18
CHECKBOX_GROUP: Final = 22
SELECTS: Final = (STRING_SELECT, USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT)
SECTION: Final = 9
TEXT_DISPLAY: Final = 10
CONTAINER: Final = 17
WITH_CHILDREN: Final = (ACTION_ROW, SECTION, CONTAINER)
_SINGLE: Final = {SECTION: ("accessory",), LABEL: ("component",)}
# With the layout of version 2: thumbnail, gallery, file, separator as well.
KNOWN_IN_MESSAGES: Final = (1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 17)


def normalise_components(components: list[Json]) -> list[Json]:
    """Give every component an id unique in its message; ids the sender chose are kept."""
    used = {item["id"] for item in _all(components) if item.get("id")}
    numbers = (number for number in count(1) if number not in used)
    return [_normalised(item, numbers) for item in components]


def inner_components(item: Json) -> list[Json]:
    """What this kind of component holds; a field of that name in another kind means nothing."""
    inner: list[Json] = []
    if item["type"] in WITH_CHILDREN:
        inner += item["components"]
    for key in _SINGLE.get(item["type"], ()):
        inner.append(item[key])
    return inner


def _all(components: list[Json]) -> list[Json]:
    found: list[Json] = []
    for item in components:
        found += [item, *_all(inner_components(item))]
    return found


def _normalised(item: Json, numbers: Iterator[int]) -> Json:
    body = dict(item)
    body["id"] = item.get("id") or next(numbers)
    if item["type"] in SELECTS:
        body.setdefault("min_values", 1)
        body.setdefault("max_values", 1)
    if item["type"] in WITH_CHILDREN:
        body["components"] = [_normalised(child, numbers) for child in item["components"]]
    for key in _SINGLE.get(item["type"], ()):
        body[key] = _normalised(item[key], numbers)
    return body
