"""A field that holds a secret, by its type or by its name, shows in no repr, no log line and no problem."""

import base64
import dataclasses
import json
from functools import cache
from typing import Any

import msgspec
from loguru import logger
from sqlmodel import Field, SQLModel
from support.log_capture import captured_log
from support.members import field_types, instance_of, parts_of, shapes

from astero_api.web.context import RequestContext
from astero_api.web.json_body import convert_json
from astero_api.web.problems import problem_for
from astero_shared.crypto.keyring import Keyring
from astero_shared.errors import AsteroError
from astero_shared.observability.masking import Masked
from astero_shared.observability.sensitive_names import is_sensitive
from astero_shared.settings import Secret, SecretRing

CANARY = "canary-7f3a9b5c1d2e4f60718293a4b5"
_KEY = base64.b64encode(CANARY.encode()[:32].ljust(32, b"=")).decode()
_SECRET_TYPES: dict[Any, Any] = {
    Secret: Secret(CANARY),
    SecretRing: SecretRing((CANARY,)),
    Keyring: Keyring.parse(f"1:{_KEY}"),
}


def planted(kind: type) -> dict[str, Any]:
    """The canary for every field of `kind` that can hold a secret."""
    found: dict[str, Any] = {}
    for name, annotation in field_types(kind).items():
        parts = parts_of(annotation)
        for secret_type, value in _SECRET_TYPES.items():
            if secret_type in parts:
                found[name] = value
        for part in parts:
            if isinstance(part, type) and issubclass(part, Secret):
                found[name] = part(CANARY)
        if name not in found and is_sensitive(name) and parts & {str, bytes}:
            found[name] = CANARY.encode() if bytes in parts else CANARY
    return found


def shows(instance: Any) -> list[str]:
    """Where the canary can be read: repr, f-string, %-formatting, a container's repr, the log."""
    with captured_log() as log:
        logger.bind(it=instance, inside=[{"x": instance}]).info("{} {!r}", instance, instance)
        logger.opt(exception=ValueError(instance)).error("x")
    seen = {
        "repr": repr(instance),
        "str": f"{instance}",
        "inside": repr([instance]),
        "log": log.text,
    }
    return [where for where, text in seen.items() if CANARY in text or _KEY in text]


@cache
def holders() -> dict[str, type]:
    return {f"{kind.__module__}.{kind.__qualname__}": kind for kind in shapes() if planted(kind)}


def test_no_secret_is_shown() -> None:
    shown = {name: shows(instance_of(kind, planted(kind))) for name, kind in holders().items()}
    assert {name: where for name, where in shown.items() if where} == {}


def problem_text(kind: type[msgspec.Struct], body: Any) -> str:
    try:
        convert_json(body, kind)
    except AsteroError as error:
        problem, headers = problem_for(error, RequestContext("request", "203.0.113.7"), "en")
        return msgspec.json.encode(problem).decode() + repr(headers)
    return ""


def refused_bodies(kind: type[msgspec.Struct]) -> list[Any]:
    names = [field.encode_name for field in msgspec.structs.fields(kind)]
    wrong = ([CANARY], {"x": CANARY}, CANARY * 1000, 7, None)
    return [CANARY, [CANARY], *(dict.fromkeys(names, value) for value in wrong)]


def test_no_secret_comes_back_in_a_problem() -> None:
    for name, kind in holders().items():
        # settings come from the environment, never in a body
        if issubclass(kind, msgspec.Struct) and not kind.__module__.endswith(".settings"):
            texts = [problem_text(kind, body) for body in refused_bodies(kind)]
            assert any(texts), name
            assert [text for text in texts if CANARY in text] == [], name


def test_the_search_finds_what_it_is_for() -> None:
    names = {name.rpartition(".")[2] for name in holders()}
    assert {"ApiSettings", "LoginIn", "User", "RefreshToken"} <= names


class Leaking(msgspec.Struct):
    password: str


class LeakingRow(SQLModel):
    api_key: str


@dataclasses.dataclass
class LeakingData:
    session_token: str | None


class Kept(Masked, frozen=True, rename="camel"):
    name: str
    new_password: str


class KeptRow(SQLModel):
    api_key: str = Field(repr=False)


def test_planted_leaks_are_caught_and_masks_hold() -> None:
    for kind in (Leaking, LeakingRow, LeakingData):
        # The log catches them by name; their own repr does not.
        assert "repr" in shows(instance_of(kind, planted(kind))), kind
        assert "log" not in shows(instance_of(kind, planted(kind))), kind
    for kind in (Kept, KeptRow):
        assert planted(kind)
        assert shows(instance_of(kind, planted(kind))) == []
    kept = msgspec.convert({"name": "Ana", "newPassword": CANARY}, Kept)
    assert repr(kept) == "Kept(name='Ana', new_password='***')"
    assert json.loads(msgspec.json.encode(kept)) == {"name": "Ana", "newPassword": CANARY}
