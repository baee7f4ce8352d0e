"""The named parts of a structured value, read without running its code where that is possible.

A mapping, msgspec Struct, dataclass, table row (SQLModel), named tuple or attrs class becomes pairs of
name and value, so that a secret is recognised by its field's name and not by how its repr looks.
"""

import dataclasses
from collections.abc import Iterable, Mapping

import msgspec


def fields_of(value: object) -> Iterable[tuple[object, object]] | None:  # noqa: PLR0911 - a dispatch
    """Pairs of name and value, or None where `value` has no named parts."""
    if isinstance(value, Mapping):
        return value.items()
    if isinstance(value, msgspec.Struct):
        return [(name, getattr(value, name, None)) for name in value.__struct_fields__]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(f.name, getattr(value, f.name, None)) for f in dataclasses.fields(value)]
    if hasattr(type(value), "model_fields"):  # pydantic and SQLModel; __dict__ loads nothing lazily
        return [(name, part) for name, part in vars(value).items() if not name.startswith("_sa_")]
    if isinstance(value, tuple) and hasattr(type(value), "_fields"):
        return zip(type(value)._fields, value, strict=False)  # pyright: ignore[reportAttributeAccessIssue]
    if hasattr(type(value), "__attrs_attrs__"):
        return [(a.name, getattr(value, a.name, None)) for a in type(value).__attrs_attrs__]  # pyright: ignore[reportAttributeAccessIssue]
    return None
