"""Ids at the edge: strings of digits in JSON, ints inside, everything else refused."""

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astero_shared.ids import (
    MAX_SNOWFLAKE,
    Snowflake,
    decode_hook,
    encode_hook,
    new_id,
    schema_hook,
)


class Body(msgspec.Struct):
    id: Snowflake


def decode(raw: str) -> Body:
    return msgspec.json.decode(raw.encode(), type=Body, dec_hook=decode_hook)


@given(st.integers(1, MAX_SNOWFLAKE))
def test_an_id_comes_back_from_json_as_it_went(value: int) -> None:
    body = Body(Snowflake(value))
    encoded = msgspec.json.encode(body, enc_hook=encode_hook)
    assert encoded == b'{"id":"%d"}' % value
    assert decode(encoded.decode()) == body


@pytest.mark.parametrize(
    "value",
    [
        *("1", "0", "1.0", "true", "null", "[]", "{}", str(MAX_SNOWFLAKE)),
        *('""', '"0"', '"01"', '"-1"', '"+1"', '" 1"', '"1 "', '"1_0"', '"1e3"', '"0x1"', '"١٢٣"'),
        *(f'"{MAX_SNOWFLAKE + 1}"', f'"{"9" * 5000}"', '"²"', '"1\\u0000"'),
    ],
)
def test_what_is_not_an_id_is_refused_with_its_place(value: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"string of digits - at `\$\.id`"):
        decode(f'{{"id":{value}}}')


@given(st.text(alphabet="0123456789 -+.e\u0661", max_size=22))
def test_the_schema_takes_what_the_decoder_takes(text: str) -> None:
    schema = msgspec.json.schema(Snowflake, schema_hook=schema_hook)
    in_schema = jsonschema.Draft202012Validator(schema).is_valid(text) and "\n" not in text
    try:
        Snowflake.parse(text)
    except ValueError:
        # The schema bounds the digits only; past 2^63-1 the decoder alone refuses.
        assert not in_schema or int(text) > MAX_SNOWFLAKE
    else:
        assert in_schema


def test_new_ids_are_version_7_and_in_order() -> None:
    made = [new_id() for _ in range(100)]
    assert all(one.version == 7 for one in made)
    assert sorted(made) == made
    assert len(set(made)) == 100


def test_a_type_without_a_json_form_is_a_programming_error() -> None:
    with pytest.raises(NotImplementedError):
        encode_hook(object())
    with pytest.raises(NotImplementedError):
        decode_hook(complex, "1")
    with pytest.raises(NotImplementedError):
        schema_hook(complex)
