"""Identifiers: our rows carry UUIDv7, Discord's objects carry snowflakes.

A snowflake is an int in Python, a BIGINT in SQL and a string of digits in JSON, because JavaScript
loses the last digits of larger numbers. Everything else is refused: a JSON number, zero, a sign,
spaces, digits of other scripts.
"""

from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

# Discord's ids are unsigned, BIGINT is signed; no id reaches 2^63 before the year 2084.
MAX_SNOWFLAKE = 2**63 - 1
_MAX_DIGITS = len(str(MAX_SNOWFLAKE))
_REFUSAL = "Expected a Discord id: a string of digits"


def new_id() -> UUID:
    """A new row's key: version 7, so that rows of one table lie in the order they were made."""
    return uuid7()


def nonce_of(what: str, row_id: UUID) -> str:
    """For a message about a row: within minutes, Discord posts none that has the nonce of another.

    `what` has at most 5 characters: Discord takes 25.
    """
    return f"{what}{row_id.int % 10**20}"


class Snowflake(int):
    """A Discord id where JSON is read or written; inside, it is a plain int."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Snowflake":
        """Reads 1…2^63-1 in ASCII digits without a leading zero; ValueError for all else."""
        if not (text.isascii() and text.isdigit()) or len(text) > _MAX_DIGITS or text[0] == "0":
            raise ValueError(_REFUSAL)
        value = int(text)
        if value > MAX_SNOWFLAKE:
            raise ValueError(_REFUSAL)
        return cls(value)


def decode_hook(expected: type, value: Any) -> Any:
    """For msgspec's `dec_hook`: a ValueError here becomes its ValidationError with the path.

    NotImplementedError is how a hook of msgspec's tells it that a type is not this hook's; so in all three.
    """
    if expected is Snowflake:
        if isinstance(value, Snowflake):
            return value
        if isinstance(value, str):
            return Snowflake.parse(value)
        raise ValueError(_REFUSAL)
    raise NotImplementedError(f"{expected.__name__} has no JSON form here")


def encode_hook(value: Any) -> Any:
    """For msgspec's `enc_hook`: msgspec does not write subclasses of int by itself."""
    if isinstance(value, Snowflake):
        return str(int(value))
    raise NotImplementedError(f"{type(value).__name__} has no JSON form here")


def schema_hook(expected: type) -> dict[str, Any]:
    """For msgspec's `schema_hook`. The pattern bounds the digits; reading checks the upper end."""
    if expected is Snowflake:
        return {"type": "string", "pattern": f"^[1-9][0-9]{{0,{_MAX_DIGITS - 1}}}$"}
    raise NotImplementedError(f"{expected.__name__} has no JSON form here")
