"""Which code is of which step, and what a recovery code looks like."""

import re
from datetime import UTC, datetime

import pytest
from support.mfa import App

from astero_shared.features.mfa.rules import (
    matching_step,
    new_recovery_code,
    new_seed,
    provisioning_uri,
    read_recovery_code,
)

# RFC 6238, appendix B: the seed of its SHA-1 vectors
SEED = b"12345678901234567890"


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_the_vectors_of_the_rfc_are_right(seconds: int, code: str) -> None:
    assert matching_step(SEED, code, now=at(seconds)) == seconds // 30


def test_the_present_step_and_the_one_before_count_and_no_other() -> None:
    app = App("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    assert app.seed == SEED
    start = 1_700_000_010 // 30 * 30
    for seconds in (start, start + 0.001, start + 29.999):
        found = [
            matching_step(SEED, app.code(at=start, later=later), now=at(seconds)) for later in range(-3, 4)
        ]
        assert found == [None, None, start // 30 - 1, start // 30, None, None, None]
    before = matching_step(SEED, app.code(at=start), now=at(start - 0.001))
    assert before is None


@pytest.mark.parametrize(
    "code",
    [
        "", "28708", "2870820", "287082\n", " 287082", "287 82", "+87082", "28708a", "0x4616a",
        "２８７０８２", "٢٨٧٠٨٢", "287082\x00", "²87082",
    ],
)  # fmt: skip
def test_only_six_ascii_digits_are_a_code(code: str) -> None:
    assert matching_step(SEED, "287082", now=at(59)) == 1
    assert matching_step(SEED, code, now=at(59)) is None


def test_a_seed_has_160_bits_and_the_address_says_how_to_use_it() -> None:
    seed = new_seed()
    assert len(seed) == 20
    assert seed != new_seed()
    uri = provisioning_uri(SEED, account="ana+x@example.com")
    assert uri.startswith("otpauth://totp/Astero:ana%2Bx%40example.com?")
    for part in ("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "issuer=Astero", "digits=6", "period=30"):
        assert part in uri


def test_a_recovery_code_is_24_symbols_that_cannot_be_misread() -> None:
    codes = {new_recovery_code() for _ in range(200)}
    assert len(codes) == 200
    for code in codes:
        assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){5}", code)
    # every symbol occurs: no bit is fixed
    assert len(set("".join(codes))) == 33


def test_a_recovery_code_is_read_as_people_type_it() -> None:
    assert read_recovery_code(" 0123-4567 89ab-cdef-ghjk-mnpq ") == "0123456789ABCDEFGHJKMNPQ"
    assert read_recovery_code("OIL3-4567-89ab-cdef-ghjk-mnpq") == "0113456789ABCDEFGHJKMNPQ"
    for wrong in ("", "0123", "0123456789ABCDEFGHJKMNPU", "0" * 25, "０" * 24, "0" * 23 + "\n1"):
        assert read_recovery_code(wrong) is None
