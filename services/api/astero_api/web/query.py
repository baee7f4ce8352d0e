"""Query strings: known names, each once, UTF-8 without control characters; anything else is a 422.

Numbers are written one way, and no word stands for nothing: the framework would read `1e1` as ten, and
`null` as a parameter that was left out.
"""

import re
from functools import lru_cache
from types import NoneType
from typing import Any, Final, get_args
from urllib.parse import parse_qsl

from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from astero_api.web.refused_fields import FieldsInvalidError, RefusedField

_MAX_BYTES: Final = 4096
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_WHOLE_NUMBER: Final = re.compile(r"0|-?[1-9][0-9]{0,18}")
_ANYTHING: Final = re.compile(r".*", re.DOTALL)
_NOT_NULL: Final = re.compile(r"(?!null\Z).*", re.IGNORECASE | re.DOTALL)


@lru_cache(maxsize=512)
def known_forms(handler: HTTPRouteHandler) -> dict[str, re.Pattern[str]]:
    """How a value may be written, by the name a client writes, for each query parameter of the handler."""
    return {
        field.kwarg_definition.query or field.kwarg_definition.name or name: _form(field.annotation)
        for name, field in handler.parsed_fn_signature.parameters.items()
        if isinstance(field.kwarg_definition, QueryParameter)
    }


def _form(annotation: Any) -> re.Pattern[str]:
    kinds = get_args(annotation) or (annotation,)
    if str in kinds:
        return _ANYTHING
    if int in kinds:
        return _WHOLE_NUMBER
    return _NOT_NULL if NoneType in kinds else _ANYTHING


def refuse_bad_query(handler: HTTPRouteHandler, query_string: bytes) -> None:
    """Raises FieldsInvalidError; a name is repeated back only where it is one of ours."""
    if len(query_string) > _MAX_BYTES:
        raise FieldsInvalidError([RefusedField("?", "too_long", {"bound": _MAX_BYTES})])
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=32,
        )
    except ValueError:
        raise FieldsInvalidError([RefusedField("?", "malformed")]) from None
    known = known_forms(handler)
    problems: list[RefusedField] = []
    seen: set[str] = set()
    for name, value in pairs:
        if name not in known:
            problems.append(RefusedField("?", "unknown"))
        elif name in seen:
            problems.append(RefusedField(f"?{name}", "repeated"))
        elif _CONTROL.search(value):
            problems.append(RefusedField(f"?{name}", "control_characters"))
        elif known[name].fullmatch(value) is None:
            problems.append(RefusedField(f"?{name}", "pattern"))
        seen.add(name)
    if problems:
        raise FieldsInvalidError(problems)
