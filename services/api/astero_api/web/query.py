"""Query strings: known names, each once, UTF-8 without control characters; anything else is a 422."""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from astero_api.web.refused_fields import FieldsInvalidError, RefusedField

_MAX_BYTES: Final = 4096
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@lru_cache(maxsize=512)
def known_names(handler: HTTPRouteHandler) -> frozenset[str]:
    """The query parameters the handler declares, by the name a client writes."""
    return frozenset(
        field.kwarg_definition.query or field.kwarg_definition.name or name
        for name, field in handler.parsed_fn_signature.parameters.items()
        if isinstance(field.kwarg_definition, QueryParameter)
    )


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
    known = known_names(handler)
    problems: list[RefusedField] = []
    seen: set[str] = set()
    for name, value in pairs:
        if name not in known:
            problems.append(RefusedField("?", "unknown"))
        elif name in seen:
            problems.append(RefusedField(f"?{name}", "repeated"))
        elif _CONTROL.search(value):
            problems.append(RefusedField(f"?{name}", "control_characters"))
        seen.add(name)
    if problems:
        raise FieldsInvalidError(problems)
