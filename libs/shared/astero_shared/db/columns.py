"""Column types that several tables share."""

import re
from typing import Any

from sqlalchemy import BigInteger, LargeBinary
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, Integer, SQLModel, Text

from astero_shared.clock import utc_now
from astero_shared.ids import new_id

_WORD_START = re.compile(r"(?<!^)(?=[A-Z])")


class Table(SQLModel):
    """Base of every table class, singular, whose table is its plural: BotStatus lives in `bot_statuses`.

    A table class never crosses HTTP: see the arch tests.
    """

    @declared_attr.directive
    @classmethod
    def __tablename__(cls) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        name = _WORD_START.sub("_", cls.__name__).lower()
        if name.endswith("y") and name[-2] not in "aeiou":
            return name[:-1] + "ies"
        return name + ("es" if name.endswith("s") else "s")


def primary_key() -> Any:
    """A UUIDv7 made by us: known before INSERT, so that a ciphertext can be bound to its row."""
    return Field(default_factory=new_id, primary_key=True)


def created_now() -> Any:
    return Field(default_factory=utc_now)


def snowflake(*, primary_key: bool = False) -> Any:
    """A Discord id: `int` here, BIGINT in SQL (they stay below 2^63 until the year 2084)."""
    return Field(sa_type=BigInteger, primary_key=primary_key)


def optional_snowflake() -> Any:
    return Field(default=None, sa_type=BigInteger)


def json_column() -> Any:
    return Field(default_factory=dict, sa_type=JSONB)


def blob_column() -> Any:
    """Ciphertext of crypto.fields; a CHECK in the database refuses anything else. Never printed."""
    return Field(sa_type=LargeBinary, repr=False)


def integer_list() -> Any:
    return Field(default_factory=list, sa_type=ARRAY(Integer))


def text_list() -> Any:
    return Field(sa_type=ARRAY(Text))
