"""Limits of a modal: one to five rows or labels, each with one input."""

from typing import Any, Final

from astero_sandbox.discord.interactions.modals import CHECKBOX, FILE_UPLOAD, RADIO_GROUP
from astero_sandbox.discord.models import Json
from astero_sandbox.discord.payloads import components as kinds

from .component_form import CUSTOM_ID_MAX, check_id, check_options
from .forms import FormCheck

_TITLE_MAX: Final = 45
_COMPONENTS: Final = 5
_TEXT_MAX: Final = 4000
_INPUTS: Final = (
    *kinds.SELECTS,
    kinds.TEXT_INPUT,
    kinds.CHECKBOX_GROUP,
    FILE_UPLOAD,
    RADIO_GROUP,
    CHECKBOX,
)
_TOP: Final = (kinds.ACTION_ROW, kinds.TEXT_DISPLAY, kinds.LABEL)


def check_modal(modal: Json) -> None:
    """Raises 50035 with paths below `data`."""
    check = FormCheck()
    check.string(
        "data.custom_id",
        modal.get("custom_id"),
        min_length=1,
        max_length=CUSTOM_ID_MAX,
        required=True,
    )
    check.string("data.title", modal.get("title"), min_length=1, max_length=_TITLE_MAX, required=True)
    items = check.objects("data.components", modal.get("components"), minimum=1, maximum=_COMPONENTS)
    seen: list[Any] = []
    for index, item in enumerate(items):
        path = f"data.components.{index}"
        check.choice(f"{path}.type", item.get("type"), _TOP)
        check_id(check, path, item)
        if item.get("type") == kinds.LABEL:
            check.string(f"{path}.label", item.get("label"), min_length=1, max_length=45, required=True)
            check.string(f"{path}.description", item.get("description"), max_length=100)
            inner = check.optional_object(f"{path}.component", item.get("component"))
            _check_input(check, f"{path}.component", inner, seen)
        elif item.get("type") == kinds.ACTION_ROW:
            children = check.objects(f"{path}.components", item.get("components"), minimum=1, maximum=1)
            for child in children:
                _check_input(check, f"{path}.components.0", child, seen)
    check.done()


def _check_input(check: FormCheck, path: str, item: Json, seen: list[Any]) -> None:
    check.choice(f"{path}.type", item.get("type"), _INPUTS)
    check_id(check, path, item)
    custom_id = item.get("custom_id")
    check.string(f"{path}.custom_id", custom_id, min_length=1, max_length=CUSTOM_ID_MAX, required=True)
    if custom_id in seen:
        check.fail(
            f"{path}.custom_id",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
            "Component custom id cannot be duplicated",
        )
    seen.append(custom_id)
    if item.get("type") == kinds.TEXT_INPUT:
        check.choice(f"{path}.style", item.get("style"), (1, 2))
        check.number(f"{path}.min_length", item.get("min_length"), minimum=0, maximum=_TEXT_MAX)
        check.number(f"{path}.max_length", item.get("max_length"), minimum=1, maximum=_TEXT_MAX)
        check.string(f"{path}.value", item.get("value"), max_length=_TEXT_MAX)
        check.string(f"{path}.placeholder", item.get("placeholder"), max_length=100)
    elif item.get("type") in (kinds.STRING_SELECT, RADIO_GROUP, kinds.CHECKBOX_GROUP):
        check_options(check, path, item)
