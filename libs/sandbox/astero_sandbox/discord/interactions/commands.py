"""From `automod status` and a few values to the data of a command interaction, checked as a client does."""

from typing import Any, Final

from astero_sandbox.discord.errors import ControlError
from astero_sandbox.discord.models import Application, Command, Json

from .resolved import Resolver

CHAT_INPUT: Final = 1
USER_MENU: Final = 2
SUB_COMMAND: Final = 1
SUB_COMMAND_GROUP: Final = 2
STRING: Final = 3
INTEGER: Final = 4
BOOLEAN: Final = 5
USER: Final = 6
CHANNEL: Final = 7
ROLE: Final = 8
MENTIONABLE: Final = 9
NUMBER: Final = 10
ATTACHMENT: Final = 11

_NESTING: Final = (SUB_COMMAND, SUB_COMMAND_GROUP)


def find_command(app: Application, path: str, guild_id: int | None) -> tuple[Command, list[str]]:
    """The registered command and the rest of the path; a guild's own command hides a global one."""
    name, *rest = path.strip().lstrip("/").split()
    here = [
        item
        for item in app.commands.values()
        if item.body["name"] == name and item.guild_id in (None, guild_id)
    ]
    if not here:
        known = ", ".join(sorted({item.body["name"] for item in app.commands.values()})) or "none"
        raise ControlError(404, "unknown_command", f"{app.name} has no command {name}; it has: {known}.")
    return max(here, key=lambda item: item.guild_id is not None), rest


def command_data(
    command: Command, path: list[str], given: Any, resolver: Resolver, *, focused: str | None
) -> Json:
    """`given` is {name: value}, [{name, value}] or Discord's own nesting below the bare name."""
    path, values = _flattened(path, given)
    options = _descend(command.body.get("options") or [], path, values, resolver, focused)
    data: Json = {
        "id": str(command.id),
        "name": command.body["name"],
        "type": command.body["type"],
    }
    if options:
        data["options"] = options
    if command.guild_id is not None:
        data["guild_id"] = str(command.guild_id)
    if resolver.body:
        data["resolved"] = resolver.body
    return data


def _flattened(path: list[str], given: Any) -> tuple[list[str], dict[str, Any]]:
    if given is None:
        return path, {}
    if isinstance(given, dict):
        return path, given
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise ControlError(400, "bad_options", "options must be an object or a list of objects.")
    if len(given) == 1 and (given[0].get("type") in _NESTING or "options" in given[0]):
        return _flattened([*path, str(given[0]["name"])], given[0].get("options") or [])
    return path, {str(item["name"]): item.get("value") for item in given}


def _descend(
    known: list[Json],
    path: list[str],
    values: dict[str, Any],
    resolver: Resolver,
    focused: str | None,
) -> list[Json]:
    nested = [item for item in known if item["type"] in _NESTING]
    if not path:
        if nested:
            names = ", ".join(item["name"] for item in nested)
            raise ControlError(400, "incomplete_command", f"Choose one of: {names}.")
        return _leaf_options(known, values, resolver, focused)
    below = next((item for item in nested if item["name"] == path[0]), None)
    if below is None:
        raise ControlError(404, "unknown_command", f"There is no sub-command {path[0]}.")
    inner = _descend(below.get("options") or [], path[1:], values, resolver, focused)
    return [{"name": below["name"], "type": below["type"], "options": inner}]


def _leaf_options(
    known: list[Json], values: dict[str, Any], resolver: Resolver, focused: str | None
) -> list[Json]:
    names = {item["name"] for item in known}
    for name in values:
        if name not in names:
            raise ControlError(
                400, "unknown_option", f"There is no option {name}; there are: {sorted(names)}."
            )
    options: list[Json] = []
    for option in known:
        name = option["name"]
        value = values.get(name)
        is_focused = name == focused
        if value is None and not (is_focused and focused is not None):
            # While a person is still typing, required options may be missing.
            if option.get("required") and focused is None:
                raise ControlError(400, "missing_option", f"The option {name} is required.")
            continue
        body: Json = {"name": name, "type": option["type"]}
        if is_focused:
            body |= {"value": str(value or ""), "focused": True}
        else:
            body["value"] = _converted(option, value, resolver)
        options.append(body)
    return options


def _converted(option: Json, value: Any, resolver: Resolver) -> Any:
    kind, name = option["type"], option["name"]
    if kind == ATTACHMENT:
        raise ControlError(400, "bad_option", f"The option {name} takes a file; there are none here.")
    try:
        converted = _as_kind(kind, value, resolver)
    except ValueError:
        raise ControlError(400, "bad_option", f"{value!r} does not fit the option {name}.") from None
    choices = [item["value"] for item in option.get("choices") or ()]
    if choices and converted not in choices:
        raise ControlError(400, "bad_option", f"{name} must be one of {choices}.")
    size = len(converted) if kind == STRING else converted
    low, high = ("min_length", "max_length") if kind == STRING else ("min_value", "max_value")
    if kind in (STRING, INTEGER, NUMBER) and (size < option.get(low, size) or size > option.get(high, size)):
        bounds = f"{option.get(low, '…')} to {option.get(high, '…')}"
        raise ControlError(400, "bad_option", f"{name} must be {bounds}.")
    return converted


def _as_kind(kind: int, value: Any, resolver: Resolver) -> Any:
    """The value as Discord sends it: ids stay strings and are resolved."""
    if kind == INTEGER:
        return int(value)
    if kind == NUMBER:
        return float(value)
    if kind == BOOLEAN:
        return value if isinstance(value, bool) else str(value).lower() in ("true", "1", "yes")
    resolve = {
        USER: resolver.user,
        ROLE: resolver.role,
        CHANNEL: resolver.channel,
        MENTIONABLE: resolver.mentionable,
    }.get(kind)
    if resolve is not None:
        resolve(int(str(value).strip("<@!#&>")))
        return str(value).strip("<@!#&>")
    return str(value)
