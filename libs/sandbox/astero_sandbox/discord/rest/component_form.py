"""Limits of message components: rows of buttons or one select, and the layout kinds of version 2."""

from collections.abc import Iterator
from typing import Any, Final

from astero_sandbox.discord.payloads import components as kinds

from .forms import FormCheck

_ROWS: Final = 5
_V2_TOTAL: Final = 40
_BUTTONS: Final = 5
_OPTIONS: Final = 25
CUSTOM_ID_MAX: Final = 100
_LABEL_MAX: Final = 80
_LINK_STYLE: Final = 5


def check_components(check: FormCheck, components: Any, *, is_v2: bool) -> None:
    """Custom ids must be unique in a message; outside version 2 only rows may stand at the top."""
    rows = check.items("components", components, maximum=_V2_TOTAL if is_v2 else _ROWS)
    seen: set[str] = set()
    for index, row in enumerate(rows):
        path = f"components.{index}"
        if not isinstance(row, dict):
            check.fail(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
            continue
        if not is_v2:
            check.choice(f"{path}.type", row.get("type"), (kinds.ACTION_ROW,))
        for inner_path, item in walk(path, row):
            _check_item(check, inner_path, item, seen)
    if is_v2 and sum(1 for row in rows for _ in walk("", row)) > _V2_TOTAL:
        check.fail(
            "components",
            "BASE_TYPE_MAX_LENGTH",
            f"The total number of components cannot exceed {_V2_TOTAL}",
        )


def walk(path: str, item: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The component and everything in it, each with its dotted path."""
    if not isinstance(item, dict):
        return
    yield path, item
    for index, child in enumerate(item.get("components") or ()):
        yield from walk(f"{path}.components.{index}", child)
    for name in ("accessory", "component"):
        if name in item:
            yield from walk(f"{path}.{name}", item[name])


def _check_item(check: FormCheck, path: str, item: dict[str, Any], seen: set[str]) -> None:
    kind = item.get("type")
    if kind == kinds.ACTION_ROW:
        check.items(f"{path}.components", item.get("components"), minimum=1, maximum=_BUTTONS)
    elif kind == kinds.BUTTON:
        _check_button(check, path, item)
    elif kind in kinds.SELECTS:
        check.string(
            f"{path}.custom_id",
            item.get("custom_id"),
            min_length=1,
            max_length=CUSTOM_ID_MAX,
            required=True,
        )
        check.string(f"{path}.placeholder", item.get("placeholder"), max_length=150)
        check.number(f"{path}.min_values", item.get("min_values"), minimum=0, maximum=_OPTIONS)
        check.number(f"{path}.max_values", item.get("max_values"), minimum=1, maximum=_OPTIONS)
        if kind == kinds.STRING_SELECT:
            check_options(check, path, item)
    elif kind not in kinds.KNOWN:
        check.choice(f"{path}.type", kind, tuple(sorted(kinds.KNOWN)))
    custom_id = item.get("custom_id")
    if isinstance(custom_id, str):
        if custom_id in seen:
            check.fail(
                f"{path}.custom_id",
                "COMPONENT_CUSTOM_ID_DUPLICATED",
                "Component custom id cannot be duplicated",
            )
        seen.add(custom_id)


def _check_button(check: FormCheck, path: str, item: dict[str, Any]) -> None:
    check.choice(f"{path}.style", item.get("style"), (1, 2, 3, 4, 5, 6))
    check.string(f"{path}.label", item.get("label"), max_length=_LABEL_MAX)
    if item.get("style") == _LINK_STYLE:
        check.string(f"{path}.url", item.get("url"), max_length=512, required=True)
    else:
        check.string(
            f"{path}.custom_id",
            item.get("custom_id"),
            min_length=1,
            max_length=CUSTOM_ID_MAX,
            required=True,
        )
    if not item.get("label") and not item.get("emoji"):
        check.fail(path, "BUTTON_COMPONENT_INVALID", "A button must have a label or an emoji")


def check_options(check: FormCheck, path: str, item: dict[str, Any]) -> None:
    options = check.items(f"{path}.options", item.get("options"), minimum=1, maximum=_OPTIONS)
    values: set[Any] = set()
    for index, option in enumerate(options):
        at = f"{path}.options.{index}"
        if not isinstance(option, dict):
            check.fail(at, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
            continue
        for name in ("label", "value"):
            check.string(f"{at}.{name}", option.get(name), min_length=1, max_length=100, required=True)
        check.string(f"{at}.description", option.get("description"), max_length=100)
        if option.get("value") in values:
            check.fail(
                f"{at}.value",
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                "The specified option value is already used",
            )
        values.add(option.get("value"))
