"""Filling in a modal: rows and labels go back in the shape they came, with the values entered."""

from typing import Any, Final

from astero_sandbox.discord.errors import ControlError
from astero_sandbox.discord.models import Json
from astero_sandbox.discord.payloads import components as kinds

from .components import chosen_values
from .resolved import Resolver

_TEXT_MAX: Final = 4000
FILE_UPLOAD: Final = 19
RADIO_GROUP: Final = 21
CHECKBOX: Final = 23


def modal_data(modal: Json, fields: dict[str, Any], resolver: Resolver) -> Json:
    """`fields` maps custom ids to texts, booleans or lists; what is left out keeps its default."""
    filled = _Filled(dict(fields), resolver)
    components = [filled.shape(item) for item in modal["components"]]
    if filled.left:
        raise ControlError(400, "unknown_field", f"The modal has no {sorted(filled.left)}.")
    data: Json = {"custom_id": modal["custom_id"], "components": components}
    if resolver.body:
        data["resolved"] = resolver.body
    return data


class _Filled:
    def __init__(self, left: dict[str, Any], resolver: Resolver) -> None:
        self.left = left
        self._resolver = resolver

    def shape(self, item: Json) -> Json:
        kind = item["type"]
        if kind == kinds.ACTION_ROW:
            inner = [self.shape(child) for child in item["components"]]
            return {"type": kind, "id": item["id"], "components": inner}
        if kind == kinds.LABEL:
            return {"type": kind, "id": item["id"], "component": self.shape(item["component"])}
        if kind == kinds.TEXT_DISPLAY:
            return {"type": kind, "id": item["id"]}
        body: Json = {"type": kind, "id": item["id"], "custom_id": item["custom_id"]}
        return body | self._value(item, self.left.pop(item["custom_id"], None))

    def _value(self, item: Json, given: Any) -> Json:
        kind = item["type"]
        if kind == kinds.TEXT_INPUT:
            return {"value": _text(item, given)}
        if kind == CHECKBOX:
            return {"value": bool(item.get("default") if given is None else given)}
        if kind == RADIO_GROUP:
            return {"value": _one_of(item, given)}
        if kind == kinds.CHECKBOX_GROUP:
            return {"values": _many_of(item, given)}
        if kind == FILE_UPLOAD:
            return {"values": []}
        return {"values": chosen_values(item, _defaults(item) if given is None else given, self._resolver)}


def _text(item: Json, given: Any) -> str:
    text = str(item.get("value") or "") if given is None else str(given)
    name = item["custom_id"]
    if not text:
        if item.get("required", True):
            raise ControlError(400, "missing_field", f"The field {name!r} is required.")
        return text
    low, high = item.get("min_length") or 0, item.get("max_length") or _TEXT_MAX
    if not low <= len(text) <= high:
        raise ControlError(400, "bad_length", f"{name!r} takes {low} to {high} characters.")
    return text


def _defaults(item: Json) -> list[str]:
    if item["type"] == kinds.STRING_SELECT:
        return [option["value"] for option in item["options"] if option.get("default")]
    return [str(default["id"]) for default in item.get("default_values") or ()]


def _one_of(item: Json, given: Any) -> str | None:
    offered = [option["value"] for option in item["options"]]
    if given is None:
        defaults = [option["value"] for option in item["options"] if option.get("default")]
        if defaults:
            return defaults[0]
        if item.get("required", True):
            raise ControlError(400, "missing_field", f"Choose one of {offered}.")
        return None
    if given not in offered:
        raise ControlError(400, "bad_values", f"{given!r} is not among {offered}.")
    return str(given)


def _many_of(item: Json, given: Any) -> list[str]:
    offered = [option["value"] for option in item["options"]]
    if given is None:
        return [option["value"] for option in item["options"] if option.get("default")]
    for value in given:
        if value not in offered:
            raise ControlError(400, "bad_values", f"{value!r} is not among {offered}.")
    return [str(value) for value in given]
