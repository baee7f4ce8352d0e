"""Environment variables become frozen structs, once, at start; secrets get types that never print.

A variable that is missing or wrong ends the process with exit code 78 (EX_CONFIG of sysexits.h) and one
line naming the variable, never its value.
"""

import os
import sys
from collections.abc import Mapping
from typing import Any, ClassVar, Final, NoReturn, Protocol, Self, TypeVar, runtime_checkable
from urllib.parse import SplitResult, urlsplit

import msgspec
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

EXIT_BAD_CONFIGURATION = 78
_MINIMUM_SECRET_BYTES = 32

T = TypeVar("T", bound=msgspec.Struct)


class ConfigurationError(Exception):
    """Names the variable and what is wrong with it; the value stays unsaid."""

    def __init__(self, variable: str, problem: str) -> None:
        super().__init__(f"{variable}: {problem}")
        self.variable = variable
        self.problem = problem


class Secret:
    """A string that prints as stars. `reveal()` is the one way out, called where the value is used."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(text)

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        # A comparison that leaks timing must not exist by accident.
        raise TypeError("compare secrets with hmac.compare_digest")

    __hash__ = None  # pyright: ignore[reportAssignmentType]


def _split(text: str) -> SplitResult | None:
    """None for what is no address: Python's own words about it repeat it."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    return None if port == 0 else parts


class ServerUrl(Secret):
    """Where a server is and how to get in, looked at here: what drivers say of a wrong one may repeat it."""

    __slots__ = ()
    schemes: ClassVar[tuple[str, ...]]

    @classmethod
    def parse(cls, text: str) -> Self:
        if not cls._is_readable(text):
            raise ValueError(f"is not a {cls.schemes[0]}:// address (is its password percent-encoded?)")
        return cls(text)

    @classmethod
    def _is_readable(cls, text: str) -> bool:
        return text.startswith(tuple(f"{scheme}://" for scheme in cls.schemes)) and _split(text) is not None


class DatabaseUrl(ServerUrl):
    __slots__ = ()
    schemes = ("postgresql", "postgres")

    @classmethod
    def _is_readable(cls, text: str) -> bool:
        try:
            conninfo_to_dict(text)
        except ProgrammingError:
            return False
        return super()._is_readable(text)


class RedisUrl(ServerUrl):
    __slots__ = ()
    schemes = ("redis", "rediss", "unix")


class DiscordApiUrl(str):
    """Discord's REST API with its version."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        parts = _split(text)
        if (
            parts is None
            or parts.scheme not in {"http", "https"}
            or not parts.hostname
            or not parts.path.endswith("/v10")
        ):
            raise ValueError("is not an address that ends in /v10")
        return cls(text)


DISCORD_API: Final = DiscordApiUrl("https://discord.com/api/v10")


class SecretRing:
    """A shared secret and the one before it: `new,previous`. The first is sent, all are accepted."""

    __slots__ = ("_values",)

    def __init__(self, values: tuple[str, ...]) -> None:
        self._values = values

    @classmethod
    def parse(cls, text: str) -> Self:
        values = tuple(part.strip() for part in text.split(","))
        if not 1 <= len(values) <= 2:  # noqa: PLR2004 - the current one and the one before
            raise ValueError("expected one secret, or two separated by a comma")
        for value in values:
            if len(value.encode()) < _MINIMUM_SECRET_BYTES:
                raise ValueError(f"each secret needs at least {_MINIMUM_SECRET_BYTES} bytes")
            if len(set(value)) == 1:
                raise ValueError("a secret of one repeated character is no secret")
        return cls(values)

    @property
    def current(self) -> str:
        return self._values[0]

    def reveal_all(self) -> tuple[str, ...]:
        return self._values

    def __repr__(self) -> str:
        return f"SecretRing({len(self._values)} values)"


@runtime_checkable
class Parsed(Protocol):
    """A settings type that reads itself from a variable's text; raises ValueError without the value."""

    @classmethod
    def parse(cls, text: str) -> Self: ...


@runtime_checkable
class SeveralSecrets(Protocol):
    """A settings type that holds secrets which no other variable may repeat."""

    def reveal_all(self) -> tuple[str | bytes, ...]: ...


def _parse(kind: Any, text: str) -> Any:
    if isinstance(kind, Parsed):
        return kind.parse(text)
    return msgspec.convert(text, kind, strict=False)


def load(settings: type[T], environ: Mapping[str, str] | None = None) -> T:
    """Read each field of `settings` from the variable of the same name in capitals.

    Raises ConfigurationError. An empty variable counts as absent. Fields without a default are required.
    """
    source = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(settings):
        variable = field.name.upper()
        text = source.get(variable, "")
        if not text:
            if field.required:
                raise ConfigurationError(variable, "is required")
            continue
        kind = field.type
        arms = [arm for arm in getattr(kind, "__args__", ()) if arm is not type(None)]
        if type(None) in getattr(kind, "__args__", ()) and len(arms) == 1:
            kind = arms[0]
        try:
            values[field.name] = _parse(kind, text)
        except msgspec.ValidationError:
            # msgspec repeats no value for these types, but its words are about JSON
            raise ConfigurationError(variable, f"is not {_expected(kind)}") from None
        except ValueError as error:
            raise ConfigurationError(variable, str(error)) from None
    _refuse_shared_secrets(settings, values)
    return settings(**values)


def _expected(kind: Any) -> str:
    """In words; a bounded kind is described by its Meta."""
    for meta in getattr(kind, "__metadata__", ()):
        return meta.description
    choices = getattr(kind, "__args__", None)
    if choices and all(isinstance(choice, str) for choice in choices):
        return "one of " + ", ".join(choices)
    return {int: "a whole number", bool: "true or false"}.get(kind, "of the expected form")


def _refuse_shared_secrets(settings: type[msgspec.Struct], values: Mapping[str, Any]) -> None:
    """One leaked secret must not open two doors."""
    owner_of: dict[bytes, str] = {}
    for field in msgspec.structs.fields(settings):
        value = values.get(field.name)
        if not isinstance(value, SeveralSecrets):
            continue
        for part in value.reveal_all():
            raw = part.encode() if isinstance(part, str) else part
            other = owner_of.setdefault(raw, field.name)
            if other != field.name:
                raise ConfigurationError(field.name.upper(), f"must differ from {other.upper()}")


def load_or_exit(settings: type[T], environ: Mapping[str, str] | None = None) -> T:
    try:
        return load(settings, environ)
    except ConfigurationError as error:
        exit_misconfigured(error)


def exit_misconfigured(error: ConfigurationError) -> NoReturn:
    sys.stderr.write(f"configuration: {error}\n")
    raise SystemExit(EXIT_BAD_CONFIGURATION)
