"""A change of a module's settings: a JSON merge patch (RFC 7396) in, valid settings or one InvalidError out.

Whatever the object holds, nothing else is raised, and the error names the field by a JSON pointer (RFC 6901)
and never repeats the value.
"""

import copy
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn, TypeVar, cast

import msgspec
from msgspec import Struct, UnsetType

from astero_shared.errors import InvalidError
from astero_shared.features.modules.catalog import module_of
from astero_shared.features.modules.fields import Field, FieldKind, find_field, to_json_value
from astero_shared.features.modules.options import OptionError
from astero_shared.ids import decode_hook

_LONGEST_TEXT: Final = 256 * 1024
MAX_DEPTH: Final = 32
CODE: Final = "modules.config_invalid"
_MAX_POINTER: Final = 200
# Control characters of both blocks, line and paragraph separators, lone surrogates (PostgreSQL refuses them).
_UNWANTED: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ENTRY: Final = {
    FieldKind.STRINGS: FieldKind.STRING,
    FieldKind.CHANNELS: FieldKind.CHANNEL,
    FieldKind.ROLES: FieldKind.ROLE,
}
_AT: Final = " - at `$"
_STEP: Final = re.compile(r"\.([A-Za-z0-9_]+)|\[([0-9]+)\]")

Config = TypeVar("Config", bound=Struct)
Path = tuple[str | int, ...]


def apply_patch(config: Config, patch: Mapping[str, Any]) -> Config:
    """The settings with the patch merged in; `null` brings a setting back to its default.

    `patch` is a parsed JSON object, from a request's body or built by a command.
    """
    _check_tree(patch)
    module = module_of(type(config))
    unknown = _first_unknown(type(config), patch, ())
    if unknown is not None:
        _refuse(unknown, "config.unknown_field")
    merged = _merge(encode_config(config), patch)
    try:
        return msgspec.convert(merged, type(config), dec_hook=decode_hook)
    except msgspec.ValidationError as error:
        _explain(error, module, merged)


def encode_config(config: Struct) -> dict[str, Any]:
    """The JSON form that is stored and answered: every setting, ids as strings."""
    return cast("dict[str, Any]", to_json_value(config))


def decode_stored(kind: type[Config], stored: Mapping[str, Any]) -> tuple[Config, tuple[str, ...]]:
    """Settings from the database, and the pointers of what today's definition no longer accepts.

    Such a setting stands at its default and such an entry is left out: a server must not lose all its rules
    because one bound changed. Nothing is written back, so nothing is lost.
    """
    data = copy.deepcopy(dict(stored))
    refused: list[str] = []
    while True:
        try:
            return msgspec.convert(data, kind, dec_hook=decode_hook), tuple(refused)
        except msgspec.ValidationError as error:
            path = _first_unknown(kind, data, ()) or _path(error)
            refused.append(_pointer(path))
            if not path:
                return kind(), tuple(refused)
            _remove(data, path)


def decode_config(kind: type[Config], stored: Mapping[str, Any] | None) -> Config:
    """The settings in force; the module's defaults where nothing is stored."""
    return kind() if stored is None else decode_stored(kind, stored)[0]


def _remove(data: Any, path: Path) -> None:
    """Takes out what lies at the path, or the part of the path that exists."""
    for step in path[:-1]:
        data = data[step]
    name = path[-1]
    if isinstance(name, str) and name not in data:
        # A default that the other settings around it do not allow: the whole group goes.
        data.clear()
    else:
        del data[name]


def _check_tree(root: Mapping[str, Any]) -> None:
    """Depth and characters, without recursion: the depth is the sender's choice."""
    waiting: list[tuple[Any, Path]] = [(root, ())]
    while waiting:
        value, path = waiting.pop()
        if len(path) > MAX_DEPTH:
            _refuse(path, "config.too_deep")
        if isinstance(value, Mapping):
            for name, inner in value.items():
                if _UNWANTED.search(name):  # not in the pointer either: it could not be encoded
                    _refuse(path, "config.control_characters")
                waiting.append((inner, (*path, name)))
        elif isinstance(value, (list, tuple)):
            waiting.extend((inner, (*path, index)) for index, inner in enumerate(value))
        elif isinstance(value, str) and _UNWANTED.search(value):
            _refuse(path, "config.control_characters")


def _first_unknown(kind: type[Struct], data: Mapping[str, Any], path: Path) -> Path | None:
    groups = _groups(kind)
    for name, value in data.items():
        if name not in groups:
            return (*path, name)
        inner = groups[name]
        if inner is not None and isinstance(value, Mapping):
            found = _first_unknown(inner, value, (*path, name))
            if found is not None:
                return found
    return None


def _groups(kind: type[Struct]) -> dict[str, type[Struct] | None]:
    """The JSON names of a Struct; for each the Struct behind it, if it is a group."""
    return {
        field.encode_name: type(field.default) if isinstance(field.default, Struct) else None
        for field in msgspec.structs.fields(kind)
    }


def _merge(target: dict[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7396, section 2. Deeper than the settings' own groups only where a value is refused anyway."""
    merged = dict(target)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            inner = merged.get(name)
            merged[name] = _merge(inner if isinstance(inner, dict) else {}, value)
        else:
            merged[name] = value
    return merged


def _path(error: msgspec.ValidationError) -> Path:
    # msgspec says where in the text of its message only. What stands behind the last " - at " is its own:
    # names of our settings and indexes, never the sender's text.
    _, found, where = str(error).rpartition(_AT)
    steps = _STEP.findall(where) if found else []
    path: Path = tuple(name or int(index) for name, index in steps)
    cause = error.__cause__
    return (*path, *cause.path) if isinstance(cause, OptionError) else path


def _explain(error: msgspec.ValidationError, module: str, merged: Mapping[str, Any]) -> NoReturn:
    path = _path(error)
    cause = error.__cause__
    if isinstance(cause, OptionError):
        _refuse(path, cause.sentence, **cause.params)
    names = ".".join(step for step in path if isinstance(step, str))
    field = find_field(module, names, "en")
    if field is None:
        _refuse(path, "config.group")
    value: Any = merged
    for step in path:
        value = value[step]
    entry = isinstance(path[-1], int)
    kind, params = _sentence(field, value, entry=entry)
    _refuse(path, f"config.{kind}", **params)


def _sentence(field: Field, value: Any, *, entry: bool) -> tuple[str, dict[str, Any]]:
    """Which sentence explains that the field, or an entry of its list, does not take this value."""
    kind, low, high = field.kind, field.minimum, field.maximum
    if entry:
        kind, low, high = _ENTRY[kind], field.item_minimum, field.item_maximum
    elif kind in _ENTRY and isinstance(value, list):
        return "list_length", {"max": high}
    if kind is FieldKind.STRING:
        return _text_sentence(value, low, high)
    params: dict[str, Any] = {}
    if kind is FieldKind.INTEGER:
        params = {"min": low, "max": high}
    elif kind is FieldKind.CHOICE:
        params = {"choices": ", ".join(choice.value for choice in field.choices)}
    return kind.value, params


def _text_sentence(
    value: Any, minimum: int | UnsetType, maximum: int | UnsetType
) -> tuple[str, dict[str, Any]]:
    low = 0 if isinstance(minimum, UnsetType) else minimum
    high = _LONGEST_TEXT if isinstance(maximum, UnsetType) else maximum
    if isinstance(value, str) and low <= len(value) <= high:
        return "string_form", {}
    return "string", {"min": low, "max": high}


def _refuse(path: Path, sentence: str, **params: Any) -> NoReturn:
    raise InvalidError(code=CODE, sentence=sentence, params=params, pointer=_pointer(path) or None)


def _pointer(path: Path) -> str:
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return "".join(f"/{step}" for step in steps)[:_MAX_POINTER]
