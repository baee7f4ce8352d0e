"""A sealed secret opens in its own place with its own key, and nowhere else."""

import os
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astero_shared.crypto.fields import OVERHEAD, SecretUnavailableError, seal, unseal
from astero_shared.crypto.keyring import Keyring
from astero_shared.ids import new_id

KEY = Keyring({7: os.urandom(32)})
PLACE = {"table": "bot_tokens", "column": "ciphertext"}


def sealed(row: UUID, plaintext: bytes = b"a token") -> bytes:
    return seal(KEY, **PLACE, row=row, plaintext=plaintext)


@given(st.binary(max_size=500))
def test_what_goes_in_comes_out(plaintext: bytes) -> None:
    row = new_id()
    blob = sealed(row, plaintext)
    assert len(blob) == len(plaintext) + OVERHEAD
    assert blob[:5] == b"\x01" + (7).to_bytes(4, "big")
    assert unseal(KEY, **PLACE, row=row, blob=blob) == plaintext


def test_the_same_secret_never_looks_the_same() -> None:
    row = new_id()
    assert sealed(row) != sealed(row)


def test_every_single_flipped_bit_is_refused() -> None:
    row = new_id()
    blob = sealed(row)
    for position in range(len(blob) * 8):
        damaged = bytearray(blob)
        damaged[position // 8] ^= 1 << (position % 8)
        with pytest.raises(SecretUnavailableError):
            unseal(KEY, **PLACE, row=row, blob=bytes(damaged))


def test_every_truncation_is_refused() -> None:
    row = new_id()
    blob = sealed(row)
    for length in range(len(blob)):
        with pytest.raises(SecretUnavailableError):
            unseal(KEY, **PLACE, row=row, blob=blob[:length])


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"table": "bot_tokens", "column": "other"},
        {"table": "other", "column": "ciphertext"},
        # the same letters, cut differently
        {"table": "bot_token", "column": "sciphertext"},
    ],
)
def test_a_blob_does_not_open_in_another_place(elsewhere: dict[str, str]) -> None:
    row = new_id()
    with pytest.raises(SecretUnavailableError):
        unseal(KEY, **elsewhere, row=row, blob=sealed(row))


def test_a_blob_does_not_open_in_another_row_or_with_another_key() -> None:
    row = new_id()
    blob = sealed(row)
    with pytest.raises(SecretUnavailableError):
        unseal(KEY, **PLACE, row=new_id(), blob=blob)
    with pytest.raises(SecretUnavailableError):
        unseal(Keyring({7: os.urandom(32)}), **PLACE, row=row, blob=blob)
    with pytest.raises(SecretUnavailableError):
        unseal(Keyring({8: os.urandom(32)}), **PLACE, row=row, blob=blob)


def test_an_older_key_still_opens_and_the_first_one_encrypts() -> None:
    row = new_id()
    old = os.urandom(32)
    blob = seal(Keyring({1: old}), **PLACE, row=row, plaintext=b"kept")
    rotated = Keyring({2: os.urandom(32), 1: old})
    assert unseal(rotated, **PLACE, row=row, blob=blob) == b"kept"
    fresh = seal(rotated, **PLACE, row=row, plaintext=b"new")
    with pytest.raises(SecretUnavailableError):
        unseal(Keyring({1: old}), **PLACE, row=row, blob=fresh)


def test_the_error_names_the_place_and_no_secret() -> None:
    row = new_id()
    blob = sealed(row, b"very-secret-token")
    with pytest.raises(SecretUnavailableError) as caught:
        unseal(KEY, **PLACE, row=new_id(), blob=blob)
    assert caught.value.where == "bot_tokens.ciphertext"
    assert "very-secret" not in f"{caught.value!r}{caught.value}"
