"""Components as Discord gives them back: numbered, and with the defaults filled in.

https://discord.com/developers/docs/components/reference
"""

from itertools import count
from typing import Any, Final

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
# With the layout of version 2: thumbnail, gallery, file, separator as well.
KNOWN_IN_MESSAGES: Final = (1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 17)


def normalise_components(components: list[Json]) -> list[Json]:
    """Give every component an id unique in its message; ids the sender chose are kept."""
    used = {item["id"] for item in _all(components) if item.get("id")}
    numbers = (number for number in count(1) if number not in used)
    return [_normalised(item, numbers) for item in components]


def _all(components: list[Json]) -> list[Json]:
    found: list[Json] = []
    for item in components:
        found.append(item)
        found.extend(_all(item.get("components") or []))
        found.extend(_all([item[key] for key in ("accessory", "component") if key in item]))
    return found


def _normalised(item: Json, numbers: Any) -> Json:
    body = dict(item)
    body["id"] = item.get("id") or next(numbers)
    if item["type"] in SELECTS:
        body.setdefault("min_values", 1)
        body.setdefault("max_values", 1)
    if item["type"] == STRING_SELECT:
        body["options"] = [dict(option) for option in item["options"]]
    if "components" in item:
        body["components"] = [_normalised(child, numbers) for child in item["components"]]
    for key in ("accessory", "component"):
        if key in item:
            body[key] = _normalised(item[key], numbers)
    return body
