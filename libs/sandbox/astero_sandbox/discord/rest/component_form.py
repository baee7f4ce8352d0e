"""Limits of message components: rows of buttons or one select, and the layout kinds of version 2."""

from typing import Any, Final

from astero_sandbox.discord.payloads import components as kinds

from .forms import FormCheck

_ROWS: Final = 5
_V2_TOTAL: Final = 40
_BUTTONS: Final = 5
_OPTIONS: Final = 25
CUSTOM_ID_MAX: Final = 100
_LABEL_MAX: Final = 80
_TEXT_MAX: Final = 4000
_LINK_STYLE: Final = 5


def check_components(check: FormCheck, components: Any, *, is_v2: bool) -> None:
    """Custom ids must be unique in a message; outside version 2 only rows may stand at the top."""
    rows = check.objects("components", components, maximum=_V2_TOTAL if is_v2 else _ROWS)
    seen: set[str] = set()
    total = 0
    for index, row in enumerate(rows):
        if not is_v2:
            check.choice(f"components.{index}.type", row.get("type"), (kinds.ACTION_ROW,))
        total += _check_item(check, f"components.{index}", row, seen)
    if is_v2 and total > _V2_TOTAL:
        check.fail(
            "components",
            "BASE_TYPE_MAX_LENGTH",
            f"The total number of components cannot exceed {_V2_TOTAL}",
        )


def _check_item(check: FormCheck, path: str, item: dict[str, Any], seen: set[str]) -> int:
    """Returns how many components these are, the inner ones counted."""
    kind = item.get("type")
    if kind not in kinds.KNOWN_IN_MESSAGES:
        check.choice(f"{path}.type", kind, kinds.KNOWN_IN_MESSAGES)
        return 1
    check_id(check, path, item)
    if kind == kinds.BUTTON:
        _check_button(check, path, item)
    elif kind in kinds.SELECTS:
        _check_select(check, path, item)
    elif kind == kinds.TEXT_DISPLAY:
        check.string(f"{path}.content", item.get("content"), max_length=_TEXT_MAX, required=True)
    _check_custom_id(check, path, item.get("custom_id"), seen)
    return 1 + _check_children(check, path, item, seen)


def check_id(check: FormCheck, path: str, item: dict[str, Any]) -> None:
    check.number(f"{path}.id", item.get("id"), minimum=0, maximum=(1 << 31) - 1)


def _check_children(check: FormCheck, path: str, item: dict[str, Any], seen: set[str]) -> int:
    total = 0
    if item["type"] in kinds.WITH_CHILDREN:
        most = _BUTTONS if item["type"] == kinds.ACTION_ROW else _V2_TOTAL
        children = check.objects(f"{path}.components", item.get("components"), minimum=1, maximum=most)
        for index, child in enumerate(children):
            total += _check_item(check, f"{path}.components.{index}", child, seen)
    if item["type"] == kinds.SECTION:
        accessory = check.optional_object(f"{path}.accessory", item.get("accessory"))
        total += _check_item(check, f"{path}.accessory", accessory, seen)
    return total


def _check_custom_id(check: FormCheck, path: str, custom_id: Any, seen: set[str]) -> None:
    if not isinstance(custom_id, str):
        return
    if custom_id in seen:
        check.fail(
            f"{path}.custom_id",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
            "Component custom id cannot be duplicated",
        )
    seen.add(custom_id)


def _check_select(check: FormCheck, path: str, item: dict[str, Any]) -> None:
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
    if item["type"] == kinds.STRING_SELECT:
        check_options(check, path, item)


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
    options = check.objects(f"{path}.options", item.get("options"), minimum=1, maximum=_OPTIONS)
    values: list[Any] = []
    for index, option in enumerate(options):
        at = f"{path}.options.{index}"
        for name in ("label", "value"):
            check.string(f"{at}.{name}", option.get(name), min_length=1, max_length=100, required=True)
        check.string(f"{at}.description", option.get("description"), max_length=100)
        if option.get("value") in values:
            check.fail(
                f"{at}.value",
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                "The specified option value is already used",
            )
        values.append(option.get("value"))
