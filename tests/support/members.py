"""Every class the running members define, found by importing all their modules."""

import dataclasses
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import PurePosixPath
from types import ModuleType
from typing import Any, get_args, get_type_hints

import msgspec
from sqlmodel import SQLModel
from support.source import sources

PACKAGES = (
    "libs/shared/astero_shared",
    "services/api/astero_api",
    "services/bot_engine/astero_bot_engine",
    "deploy/ops/astero_ops",
)


@cache
def modules() -> tuple[ModuleType, ...]:
    """All of them but the entry points, which start something when they are imported."""
    names: list[str] = []
    for package in PACKAGES:
        for source in sources(package):
            path = PurePosixPath(source.path).relative_to(PurePosixPath(package).parent).with_suffix("")
            if path.name not in {"__init__", "__main__", "worker"}:
                names.append(".".join(path.parts))
    return tuple(map(importlib.import_module, names))


def shapes() -> Iterator[type]:
    """Every msgspec Struct, SQLModel and dataclass of ours."""
    for module in modules():
        for thing in vars(module).values():
            if isinstance(thing, type) and thing.__module__ == module.__name__ and is_shape(thing):
                yield thing


def is_shape(kind: type) -> bool:
    return issubclass(kind, msgspec.Struct | SQLModel) or dataclasses.is_dataclass(kind)


def is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, SQLModel)


def field_types(kind: type) -> dict[str, Any]:
    """Field name to its type, Annotated unwrapped."""
    if issubclass(kind, msgspec.Struct):
        names: tuple[str, ...] = kind.__struct_fields__
    elif issubclass(kind, SQLModel):
        names = tuple(kind.model_fields)
    else:
        names = tuple(field.name for field in dataclasses.fields(kind))
    return {name: _hint(kind, name) for name in names}


def _hint(kind: type, name: str) -> Any:
    owner = next(base for base in kind.__mro__ if name in vars(base).get("__annotations__", {}))
    given = owner.__annotations__[name]
    alone = type(kind.__name__, (), {"__annotations__": {name: given}, "__module__": owner.__module__})
    try:
        return get_type_hints(alone)[name]
    except NameError:
        return object  # imported for the type checker only: a class of ours, so no text


def parts_of(annotation: Any) -> set[Any]:
    """The annotation with everything inside it: `tuple[Bot, ...] | None` holds Bot."""
    if isinstance(annotation, list):  # the arguments of a Callable
        return set().union(*map(parts_of, annotation))
    return {annotation}.union(*map(parts_of, get_args(annotation)))


def instance_of(kind: type, values: dict[str, Any]) -> Any:
    """An instance with these fields and None elsewhere, past every validation."""
    filled = dict.fromkeys(field_types(kind)) | values
    if issubclass(kind, SQLModel):
        return kind.model_construct(**filled)
    if issubclass(kind, msgspec.Struct):
        unchecked = {"__post_init__": lambda _self: None}
        return msgspec.defstruct(kind.__name__, [], bases=(kind,), namespace=unchecked, frozen=True)(**filled)
    made = object.__new__(kind)
    for name, value in filled.items():
        object.__setattr__(made, name, value)
    return made
