"""Lists that grow come in pages: `items` and, where there is more, the `nextCursor` to ask for it."""

import re
from collections.abc import Sequence
from typing import Annotated, Final, TypeVar
from uuid import UUID

from litestar.params import QueryParameter

from astero_api.web.refused_fields import FieldsInvalidError, RefusedField

T = TypeVar("T")

Cursor = Annotated[
    str | None,
    QueryParameter(max_length=64, description="`nextCursor` of the page before; opaque."),
]
PageSize = Annotated[int, QueryParameter(ge=1, le=100, description="How many items at most.")]
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,9}")


def cut(rows: Sequence[T], limit: int) -> tuple[Sequence[T], bool]:
    """`limit` rows, and whether there are more: the caller asked the store for one more than it shows."""
    return rows[:limit], len(rows) > limit


def _bad_cursor() -> FieldsInvalidError:
    return FieldsInvalidError([RefusedField("?cursor", "cursor")])


def id_cursor(cursor: str | None) -> UUID | None:
    """Raises FieldsInvalidError."""
    if cursor is None:
        return None
    try:
        return UUID(cursor)
    except ValueError:
        raise _bad_cursor() from None


def number_cursor(cursor: str | None) -> int | None:
    """Raises FieldsInvalidError."""
    if cursor is None:
        return None
    if _NUMBER.fullmatch(cursor) is None or int(cursor) > 2**31 - 1:
        raise _bad_cursor()
    return int(cursor)
