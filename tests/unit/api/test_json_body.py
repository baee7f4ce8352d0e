"""What a body may be."""

from typing import Annotated, Any

import msgspec
import pytest

from astero_api.web.json_body import JSON_BODY, MAX_DEPTH, convert_json, parse_json
from astero_api.web.problems import FieldsInvalidError, MalformedError, MediaTypeError


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    word_list: tuple[Annotated[str, msgspec.Meta(max_length=3)], ...] = ()


class Body(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    how_many: Annotated[int, msgspec.Meta(ge=1, le=9)]
    inner: Inner = Inner()
    kind: Any = None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 200_000,
        b'{"a":' * 50_000,
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        # where the NUL lies is looked for past what the parser alone found shallow enough
        b"[" + b"[" * 700 + b"]" * 700 + b',"\\u0000"]',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b'{"\\ud800": 1}',
        b'"a\\u0000b"',
        b'{"a\\u0000": 1}',
        b'{"a": 1, "a": 1}',
        b'[{"b": {"a": 1, "a": 2}}]',
        b"NaN",
        b"-Infinity",
        b"1e400",
        b"9" * 5000,
        b"{} {}",
        b"\xef\xbb\xbf{}",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_bytes_that_are_no_request_are_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_json(body)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'"\\u0000"', ""),
        (b'{"a": [1, {"b/c": "x\\u0000"}]}', "/a/1/b~1c"),
        (b'{"a": {"b": {"\\u0000": 1}}}', "/a/b"),
        (b'[0, ["\\udfff"]]', "/1/0"),
        (b'{"a": [1.5, 1e999]}', "/a/1"),
    ],
)
def test_what_is_no_text_or_number_is_pointed_at(body: bytes, pointer: str) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_json(body)
    assert caught.value.pointer == pointer


def test_the_deepest_allowed_body_is_read() -> None:
    assert parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert parse_json(b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH)


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"howMany": "1"}, "/howMany", "type"),
        ({"howMany": 1.0}, "/howMany", "type"),
        ({"howMany": True}, "/howMany", "type"),
        ({"howMany": 0}, "/howMany", "too_small"),
        ({"howMany": 10}, "/howMany", "too_large"),
        ({}, "/howMany", "missing"),
        ({"howMany": 1, "no/~pe": 1}, "/no~1~0pe", "unknown"),
        ({"howMany": 1, "inner": {"wordList": ["ok", "long"]}}, "/inner/wordList/1", "too_long"),
        ({"howMany": 1, "inner": {"other": 1}}, "/inner/other", "unknown"),
        ({"howMany": 1, "inner": None}, "/inner", "type"),
        ([], "", "type"),
    ],
)
def test_a_refused_field_is_pointed_at(body: Any, pointer: str, code: str) -> None:
    with pytest.raises(FieldsInvalidError) as caught:
        convert_json(body, Body)
    assert [(field.pointer, field.code) for field in caught.value.fields] == [(pointer, code)]


def test_all_refused_fields_are_named_at_once() -> None:
    with pytest.raises(FieldsInvalidError) as caught:
        convert_json({"howMany": "x", "inner": 3, "extra": 1}, Body)
    assert {field.pointer for field in caught.value.fields} == {"/howMany", "/inner", "/extra"}


def test_of_very_many_refused_fields_some_are_named() -> None:
    with pytest.raises(FieldsInvalidError) as caught:
        convert_json({"howMany": 1, "x" * 100_000: 1} | dict.fromkeys(map(str, range(20_000))), Body)
    assert len(caught.value.fields) == 20
    assert max(len(field.pointer) for field in caught.value.fields) == 200


def test_the_offending_value_is_not_repeated() -> None:
    class Choice(msgspec.Struct):
        kind: Annotated[str, msgspec.Meta(pattern="^a$")] | None = None

    with pytest.raises(FieldsInvalidError) as caught:
        convert_json({"kind": "hunter2"}, Choice)
    assert "hunter2" not in str(caught.value.fields)


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        b"",
        b"text/plain",
        b"application/x-www-form-urlencoded",
        b"application/json; charset=utf-16",
        b"application/jsonx",
        b"text/plain, application/json",
        b"application/csp-report",
    ],
)
def test_only_json_is_json(media_type: bytes | None) -> None:
    with pytest.raises(MediaTypeError):
        JSON_BODY.require(media_type)


@pytest.mark.parametrize(
    "media_type", [b"application/json", b"Application/JSON", b'application/json; charset="UTF-8"']
)
def test_json_is_json_however_it_is_written(media_type: bytes) -> None:
    JSON_BODY.require(media_type)
