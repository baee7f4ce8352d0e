"""A module's settings as a list that a form or a Discord panel can be drawn from.

Everything comes from the module's Struct; titles and help in other languages come from `locales/`.
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from typing import Any, Final, cast

import msgspec
from msgspec import UNSET, Struct, UnsetType, inspect

from astero_shared.features.modules.catalog import MODULES, ModuleSpec
from astero_shared.i18n import Locale, has_text, text
from astero_shared.ids import Snowflake, encode_hook

_MARKER: Final = "x-astero"


class FieldKind(StrEnum):
    BOOLEAN = "boolean"
    INTEGER = "integer"
    CHOICE = "choice"
    STRING = "string"
    STRINGS = "strings"
    CHANNEL = "channel"
    ROLE = "role"
    CHANNELS = "channels"
    ROLES = "roles"


class Choice(Struct, frozen=True, rename="camel"):
    value: str
    label: str


class Field(Struct, frozen=True, kw_only=True, rename="camel"):
    """One setting. `path` is its place in the module's JSON, dotted: `words.durationMinutes`.

    `minimum` and `maximum` bound a number, the characters of a text or the entries of a list, and
    `item_minimum` and `item_maximum` the characters of each entry. A field that is not set has no such bound.
    """

    path: str
    kind: FieldKind
    title: str
    help: str
    default: Any
    nullable: bool = False
    minimum: int | UnsetType = UNSET
    maximum: int | UnsetType = UNSET
    item_minimum: int | UnsetType = UNSET
    item_maximum: int | UnsetType = UNSET
    choices: tuple[Choice, ...] = ()

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    @property
    def group(self) -> str:
        """The path of the group it stands in; empty at the top."""
        return self.path.rpartition(".")[0]


class Group(Struct, frozen=True, kw_only=True, rename="camel"):
    """Settings that belong together; those at the top of a module form the group with the empty path."""

    path: str
    title: str
    help: str
    fields: tuple[Field, ...]


@cache
def list_groups(module: str, locale: Locale) -> tuple[Group, ...]:
    """All settings of a module in the order of its Struct. KeyError for a module that does not exist."""
    spec = MODULES[module]
    described = _struct(inspect.type_info(spec.config))
    own = tuple(_field(spec, item, "", locale) for item in described.fields if not _is_group(item.type))
    groups = [Group(path="", title=module_title(module, locale), help="", fields=own)] if own else []
    for item in described.fields:
        if _is_group(item.type):
            path = item.encode_name
            groups.append(
                Group(
                    path=path,
                    title=_said(spec, path, item.type, "title", locale),
                    help=_said(spec, path, item.type, "help", locale),
                    fields=tuple(_field(spec, inner, path, locale) for inner in _struct(item.type).fields),
                )
            )
    return tuple(groups)


@cache
def list_fields(module: str, locale: Locale) -> tuple[Field, ...]:
    """The same, flat."""
    return tuple(field for group in list_groups(module, locale) for field in group.fields)


def find_field(module: str, path: str, locale: Locale) -> Field | None:
    return next((field for field in list_fields(module, locale) if field.path == path), None)


def module_title(module: str, locale: Locale) -> str:
    return text(f"modules.{module}", locale)


def read_value(config: Struct, path: str) -> Any:
    """The value at a path as its JSON form: ids as strings, enums as their values, lists as lists."""
    value: Any = config
    for name in path.split("."):
        value = getattr(value, _attribute(type(value), name))
    return to_json_value(value)


def to_json_value(value: Any) -> Any:
    """What a reader of the value's JSON gets: lists for tuples, strings for ids and enums."""
    return msgspec.json.decode(msgspec.json.encode(value, enc_hook=encode_hook))


def make_patch(path: str, value: Any) -> dict[str, Any]:
    """The merge patch that sets one path."""
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


def _attribute(struct: type[Struct], encoded: str) -> str:
    return struct.__struct_fields__[struct.__struct_encode_fields__.index(encoded)]


def _field(spec: ModuleSpec, item: inspect.Field, group: str, locale: Locale) -> Field:
    path = f"{group}.{item.encode_name}" if group else item.encode_name
    kind, nullable, bounds, choices = _shape(path, item.type, locale)
    return Field(
        path=path,
        kind=kind,
        title=_said(spec, path, item.type, "title", locale),
        help=_said(spec, path, item.type, "help", locale),
        default=to_json_value(item.default),
        nullable=nullable,
        choices=choices,
        **bounds,
    )


_Shape = tuple[FieldKind, bool, dict[str, int], tuple[Choice, ...]]


def _shape(path: str, given: inspect.Type, locale: Locale) -> _Shape:
    nullable, marker, inner = _unwrap(given)
    bounds: dict[str, int] = {}
    choices: tuple[Choice, ...] = ()
    match inner:
        case inspect.BoolType():
            kind = FieldKind.BOOLEAN
        case inspect.IntType():
            kind = FieldKind.INTEGER
            bounds = _bounds(minimum=inner.ge, maximum=inner.le)
        case inspect.StrType():
            kind = FieldKind.STRING
            bounds = _bounds(minimum=inner.min_length, maximum=inner.max_length)
        case inspect.EnumType():
            kind = FieldKind.CHOICE
            choices = tuple(_choices(inner.cls, locale))
        case inspect.CustomType(cls=cls) if cls is Snowflake and marker:
            kind = FieldKind(marker)
        case inspect.VarTupleType():
            _, item_marker, item = _unwrap(inner.item_type)
            bounds = _bounds(minimum=inner.min_length, maximum=inner.max_length)
            if isinstance(item, inspect.StrType):
                kind = FieldKind.STRINGS
                bounds |= _bounds(item_minimum=item.min_length, item_maximum=item.max_length)
            else:
                kind = FieldKind(f"{item_marker}s")
        case _:
            raise TypeError(f"{path}: no form can be drawn for {type(inner).__name__}")
    return kind, nullable, bounds, choices


def _bounds(**given: int | None) -> dict[str, int]:
    return {name: value for name, value in given.items() if value is not None}


def _unwrap(given: inspect.Type) -> tuple[bool, str, inspect.Type]:
    """(may be null, marker of an id, the type itself)."""
    nullable, marker = False, ""
    while True:
        if isinstance(given, inspect.Metadata):
            marker = marker or (given.extra_json_schema or {}).get(_MARKER, "")
            given = given.type
        elif isinstance(given, inspect.UnionType):
            nullable = True
            given = next(one for one in given.types if not isinstance(one, inspect.NoneType))
        else:
            return nullable, marker, given


def _choices(enum: type, locale: Locale) -> Iterator[Choice]:
    for member in cast("type[StrEnum]", enum):
        label = text(f"config.choices.{enum.__name__}.{member.value}", locale)
        yield Choice(value=member.value, label=label)


def _is_group(given: inspect.Type) -> bool:
    return isinstance(_unwrap(given)[2], inspect.StructType)


def _struct(given: inspect.Type) -> inspect.StructType:
    return cast("inspect.StructType", _unwrap(given)[2])


def _said(spec: ModuleSpec, path: str, given: inspect.Type, what: str, locale: Locale) -> str:
    """English stands in the Struct; other languages under `config.<module>.<path>.title|help`.

    What all groups of a module share is translated once, under `config.<module>.each.<name>`.
    """
    if locale == "en":
        described = given.extra_json_schema if isinstance(given, inspect.Metadata) else None
        return (described or {})["title" if what == "title" else "description"]
    own = f"config.{spec.name}.{path}.{what}"
    if has_text(own, locale):
        return text(own, locale)
    return text(f"config.{spec.name}.each.{path.rpartition('.')[2]}.{what}", locale)
