"""A click on a button or a choice in a select of a message, refused where a client would not let one."""

from collections.abc import Iterator
from typing import Any

from astero_sandbox.discord.errors import ControlError
from astero_sandbox.discord.models import Json, Message
from astero_sandbox.discord.payloads import components as kinds

from .resolved import Resolver


def component_data(message: Message, custom_id: str, values: Any, resolver: Resolver) -> Json:
    found = next(
        (item for item in every_component(message.components) if item.get("custom_id") == custom_id),
        None,
    )
    if found is None:
        known = [item["custom_id"] for item in every_component(message.components) if "custom_id" in item]
        raise ControlError(
            404, "unknown_component", f"Message {message.id} has no {custom_id!r}; it has: {known}."
        )
    if found.get("disabled"):
        raise ControlError(409, "disabled", f"The component {custom_id!r} is switched off.")
    data: Json = {"custom_id": custom_id, "component_type": found["type"], "id": found["id"]}
    if found["type"] in kinds.SELECTS:
        data["values"] = chosen_values(found, values, resolver)
        if resolver.body:
            data["resolved"] = resolver.body
    return data


def every_component(components: list[Json]) -> Iterator[Json]:
    for item in components:
        yield item
        yield from every_component(kinds.inner_components(item))


def chosen_values(select: Json, values: Any, resolver: Resolver) -> list[str]:
    """As many as the select allows, each one that it offers; ids are resolved."""
    chosen = [str(item) for item in (values if isinstance(values, list) else [values]) if item is not None]
    low, high = select.get("min_values", 1), select.get("max_values", 1)
    if not select.get("required", True) and not chosen:
        return chosen
    if not low <= len(chosen) <= high:
        raise ControlError(400, "bad_values", f"{select['custom_id']!r} takes {low} to {high} values.")
    if select["type"] == kinds.STRING_SELECT:
        offered = [option["value"] for option in select["options"]]
        for item in chosen:
            if item not in offered:
                raise ControlError(400, "bad_values", f"{item!r} is not among {offered}.")
        return chosen
    resolve = {
        kinds.USER_SELECT: resolver.user,
        kinds.ROLE_SELECT: resolver.role,
        kinds.CHANNEL_SELECT: resolver.channel,
        kinds.MENTIONABLE_SELECT: resolver.mentionable,
    }[select["type"]]
    for item in chosen:
        if not item.isdigit():
            raise ControlError(400, "bad_values", f"{item!r} is not an id.")
        resolve(int(item))
    return chosen
