"""Why a field is refused, as a code and its parameters; the sentence stands in the catalogue.

What msgspec says is read for its bounds and types only: it may repeat the value, which is never answered.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from astero_shared.errors import InvalidError
from astero_shared.i18n import Locale, text
from astero_shared.problems import FieldProblem

_TYPES: Final = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_BOUND: Final = re.compile(r"(?:Expected `\w+`)( of length)? (>=|<=) (-?[0-9.]+)")
_BOUNDS: Final = {
    ("of length", ">="): "too_short",
    ("of length", "<="): "too_long",
    ("", ">="): "too_small",
    ("", "<="): "too_large",
}
# The name of an unknown field may fill the body.
_LONGEST_POINTER: Final = 200
_FIXED: Final = (
    ("Invalid enum value", "not_allowed"),
    ("missing required field", "missing"),
    ("unknown field", "unknown"),
    ("matching regex", "pattern"),
)


class RefusedField(NamedTuple):
    """`pointer` is a JSON Pointer (RFC 6901), or `?name` for a query parameter."""

    pointer: str
    code: str
    params: Mapping[str, Any] = {}

    def in_words(self, locale: Locale) -> FieldProblem:
        detail = text(f"errors.fields.{self.code}", locale, **self.params)
        return FieldProblem(pointer=self.pointer, detail=detail, code=self.code)


class FieldsInvalidError(InvalidError):
    """Several fields refused at once."""

    default_code = "request.invalid_fields"

    def __init__(self, fields: Iterable[RefusedField]) -> None:
        super().__init__()
        self.fields = tuple(field._replace(pointer=field.pointer[:_LONGEST_POINTER]) for field in fields)


def refuse(pointer: str, said: str) -> RefusedField:
    """The refusal behind msgspec's sentence."""
    for fragment, code in _FIXED:
        if fragment in said:
            return RefusedField(pointer, code)
    if bound := _BOUND.match(said):
        code = _BOUNDS[(bound[1] or "").strip(), bound[2]]
        return RefusedField(pointer, code, {"bound": bound[3]})
    if types := _TYPES.match(said):
        return RefusedField(pointer, "type", {"expected": types[1], "given": types[2]})
    return RefusedField(pointer, "invalid")
