"""Bytes become a struct or a 4xx with a pointer to the field; nothing is coerced, repaired or dropped.

Refused before the struct is looked at: other media types, more than 256 KiB, more than 32 levels, bytes that
are not UTF-8, duplicate keys, NaN and Infinity, lone surrogates and NUL in strings.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NoReturn

import msgspec

from astero_api.web.problems import MalformedError, MediaTypeError
from astero_api.web.refused_fields import FieldsInvalidError, RefusedField, refuse

MAX_BODY_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 32
_MOST_NAMED: Final = 20

_CHARSET: Final = re.compile(rb"(?:\s*;\s*charset\s*=\s*\"?utf-8\"?)?\s*", re.IGNORECASE)
_PATH_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")
_AT: Final = re.compile(r"^(?P<text>.*?)(?: - at `(?:key in )?\$(?P<path>.*)`)?$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class BodyRule:
    """Which JSON a route takes: what it calls itself, in lower case, and its bytes at most."""

    media_types: tuple[str, ...] = ("application/json",)
    most_bytes: int = MAX_BODY_BYTES

    def require(self, content_type: bytes | None) -> None:
        """A form or text/plain can be sent across sites without a preflight; these cannot.

        Raises MediaTypeError.
        """
        for media_type in self.media_types:
            length = len(media_type)
            if (
                content_type is not None
                and content_type[:length].lower() == media_type.encode("ascii")
                and _CHARSET.fullmatch(content_type, length)
            ):
                return
        raise MediaTypeError


JSON_BODY: Final = BodyRule()


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedError(sentence="request.not_a_number", params={"name": name})


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedError(code="request.duplicate_key")
    return found


def _escape(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _inspect(tree: Any) -> None:
    """Depth, NUL, surrogates and infinities, level by level. Where something lies is asked only when it is
    refused: a quarter of a megabyte of brackets must not hold up everybody else.
    """
    level = [tree]
    for depth in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for node in level:
            kind = type(node)
            if kind is str:
                _refuse_text(node, tree)
            elif kind is dict or kind is list:
                if depth == MAX_DEPTH:
                    raise MalformedError(code="request.too_deep", params={"levels": MAX_DEPTH})
                # of an object these are its keys
                below += node
                if kind is dict:
                    below += node.values()
            elif kind is float and not math.isfinite(node):
                raise MalformedError(sentence="request.number_large", pointer=_pointer_to(node, tree))
        level = below


def _refuse_text(text: str, tree: Any) -> None:
    if "\0" in text:
        raise MalformedError(sentence="request.nul", pointer=_pointer_to(text, tree))
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise MalformedError(sentence="request.surrogate", pointer=_pointer_to(text, tree)) from None


def _pointer_to(wanted: Any, tree: Any, levels: int = MAX_DEPTH) -> str | None:
    """Of a key that is wanted, the object it stands in. What lies deeper than `levels` was not looked at yet,
    and may be as deep as the parser allows.
    """
    if tree is wanted:
        return ""
    if levels == 0 or not isinstance(tree, dict | list):
        return None
    if isinstance(tree, dict) and any(key is wanted for key in tree):
        return ""
    steps = tree.items() if isinstance(tree, dict) else enumerate(tree)
    below = ((step, _pointer_to(wanted, value, levels - 1)) for step, value in steps)
    return next((f"/{_escape(str(step))}{rest}" for step, rest in below if rest is not None), None)


def parse_json(body: bytes) -> Any:
    """Builtins only. Raises MalformedError (400)."""
    try:
        tree = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except RecursionError:
        raise MalformedError(code="request.too_deep", params={"levels": MAX_DEPTH}) from None
    except UnicodeDecodeError:
        raise MalformedError(sentence="request.not_utf8") from None
    except json.JSONDecodeError as error:
        raise MalformedError(
            sentence="request.not_json", params={"line": error.lineno, "column": error.colno}
        ) from None
    except ValueError:
        # an integer of thousands of digits
        raise MalformedError(sentence="request.number_long") from None
    _inspect(tree)
    return tree


_NAMED_FIELD: Final = re.compile(r"(?:missing required|contains unknown) field `(?P<name>.*)`", re.DOTALL)


def refused_field(error: msgspec.ValidationError, prefix: str = "") -> RefusedField:
    """The refused field of one msgspec error, as a JSON Pointer below `prefix`."""
    match = _AT.match(str(error))
    text, path = (match["text"], match["path"] or "") if match else (str(error), "")
    pointer = prefix + "".join(
        f"/{_escape(name or index or '-')}" for name, index in _PATH_STEP.findall(path)
    )
    if named := _NAMED_FIELD.search(text):
        pointer += f"/{_escape(named['name'])}"
        text = text[: named.start("name") - 1].rstrip()
    return refuse(pointer, text)


def _each_field(tree: dict[str, Any], kind: type[msgspec.Struct], dec_hook: Any) -> Iterator[RefusedField]:
    """Msgspec stops at the first refused field; the caller of an API wants all of them."""
    known: set[str] = set()
    for field in msgspec.structs.fields(kind):
        name = field.encode_name
        known.add(name)
        if name not in tree:
            if field.required:
                yield RefusedField(f"/{_escape(name)}", "missing")
            continue
        try:
            msgspec.convert(tree[name], field.type, strict=True, dec_hook=dec_hook)
        except msgspec.ValidationError as error:
            yield refused_field(error, f"/{_escape(name)}")
    yield from (RefusedField(f"/{_escape(name)}", "unknown") for name in tree if name not in known)


def convert_json(tree: Any, kind: Any, *, dec_hook: Any = None) -> Any:
    """`tree` as `kind`, strictly. Raises FieldsInvalidError (422) with the refused fields, twenty at most."""
    try:
        return msgspec.convert(tree, kind, strict=True, dec_hook=dec_hook)
    except msgspec.ValidationError as error:
        problems: list[RefusedField] = []
        if isinstance(tree, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            problems = list(islice(_each_field(tree, kind, dec_hook), _MOST_NAMED))
        raise FieldsInvalidError(problems or [refused_field(error)]) from None
