"""Application commands as Discord checks and completes them.

https://discord.com/developers/docs/interactions/application-commands
"""

import re
from typing import Any, Final

from astero_sandbox.discord.models import Json

from .forms import FormCheck

_NAME: Final = re.compile(r"^[-_'\w]{1,32}$")
_OPTIONS: Final = 25
_CHOICES: Final = 25
_TEXT_MAX: Final = 8000
_CHAT_INPUT: Final = 1
_NESTING: Final = (1, 2)
_GROUP: Final = 2
_VALUES: Final = tuple(range(3, 12))
# What may stand at the top, in a group (sub-commands only) and in a sub-command (values only).
_ALLOWED: Final = ((1, 2, *_VALUES), (1,), _VALUES)
_KEPT_OPTION: Final = (
    "name_localizations",
    "description_localizations",
    "min_value",
    "max_value",
    "min_length",
    "max_length",
    "channel_types",
    "autocomplete",
    "required",
)


def checked_command(given: Any, prefix: str) -> Json:
    """The command as it is answered; raises 50035 with paths below `prefix`."""
    check = FormCheck()
    if not isinstance(given, dict):
        check.fail(f"{prefix}name", "BASE_TYPE_REQUIRED", "This field is required")
        check.done()
    kind = given.get("type") or _CHAT_INPUT
    check.choice(f"{prefix}type", kind, (1, 2, 3, 4))
    _check_name(check, f"{prefix}name", given.get("name"), is_chat=kind == _CHAT_INPUT)
    if kind == _CHAT_INPUT:
        _check_description(check, f"{prefix}description", given.get("description"))
    given_options = check.objects(f"{prefix}options", given.get("options"), maximum=_OPTIONS)
    options = [
        _option(check, f"{prefix}options.{index}", item, depth=0) for index, item in enumerate(given_options)
    ]
    _check_order(check, f"{prefix}options", given_options)
    permissions = given.get("default_member_permissions")
    check.permission_bits(f"{prefix}default_member_permissions", permissions)
    for name in ("contexts", "integration_types"):
        check.items(f"{prefix}{name}", given.get(name), maximum=3)
    check.done()
    if _text_length(given) > _TEXT_MAX:
        check.fail(
            f"{prefix}name",
            "APPLICATION_COMMAND_TOO_LARGE",
            f"Command exceeds maximum size ({_TEXT_MAX})",
        )
    check.done()
    contexts = given.get("contexts")
    body: Json = {
        "type": kind,
        "name": given["name"],
        "name_localizations": given.get("name_localizations"),
        "description": given.get("description") or "",
        "description_localizations": given.get("description_localizations"),
        "default_member_permissions": None if permissions is None else str(permissions),
        "dm_permission": 1 in contexts if contexts else bool(given.get("dm_permission", True)),
        "contexts": contexts,
        "integration_types": given.get("integration_types") or [0],
        "nsfw": bool(given.get("nsfw", False)),
    }
    if options:
        body["options"] = options
    return body


def _check_name(check: FormCheck, path: str, name: Any, *, is_chat: bool) -> None:
    check.string(path, name, min_length=1, max_length=32, required=True)
    if is_chat and isinstance(name, str) and (not _NAME.match(name) or name != name.lower()):
        check.fail(path, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _check_description(check: FormCheck, path: str, description: Any) -> None:
    check.string(path, description, min_length=1, max_length=100, required=True)


def _option(check: FormCheck, path: str, given: Json, *, depth: int) -> Json:
    kind = given.get("type")
    check.choice(f"{path}.type", kind, _ALLOWED[depth])
    _check_name(check, f"{path}.name", given.get("name"), is_chat=True)
    _check_description(check, f"{path}.description", given.get("description"))
    body: Json = {
        "type": kind,
        "name": given.get("name"),
        "description": given.get("description"),
    } | {key: given[key] for key in _KEPT_OPTION if given.get(key) is not None}
    if choices := given.get("choices"):
        body["choices"] = _choices(check, f"{path}.choices", choices)
    nested = check.objects(f"{path}.options", given.get("options"), maximum=_OPTIONS)
    if kind in _NESTING:
        inner = 1 if kind == _GROUP else 2
        body["options"] = [
            _option(check, f"{path}.options.{index}", item, depth=inner) for index, item in enumerate(nested)
        ]
        _check_order(check, f"{path}.options", nested)
    return body


def _check_order(check: FormCheck, path: str, options: list[Json]) -> None:
    """Required options come first, names do not repeat."""
    optional_seen = False
    names: list[Any] = []
    for index, option in enumerate(options):
        if option.get("required") and optional_seen:
            check.fail(
                f"{path}.{index}",
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            )
        optional_seen = optional_seen or not option.get("required")
        if option.get("name") in names:
            check.fail(
                f"{path}.{index}.name",
                "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS",
                "Option name already exists",
            )
        names.append(option.get("name"))


def _choices(check: FormCheck, path: str, given: Any) -> list[Json]:
    choices: list[Json] = []
    for index, item in enumerate(check.objects(path, given, maximum=_CHOICES)):
        check.string(f"{path}.{index}.name", item.get("name"), min_length=1, max_length=100, required=True)
        choices.append(
            {
                "name": item.get("name"),
                "value": item.get("value"),
                "name_localizations": item.get("name_localizations"),
            }
        )
    return choices


def _text_length(given: Json) -> int:
    """Name, description and values, with everything nested: 8000 at most together."""
    total = len(str(given.get("name") or "")) + len(str(given.get("description") or ""))
    total += sum(len(str(item.get("value"))) for item in given.get("choices") or ())
    return total + sum(_text_length(item) for item in given.get("options") or () if isinstance(item, dict))
