"""The reason in Discord's audit log fits its header, whatever script it is written in."""

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from astero_bot_engine.dispatch.reasons import audit_reason


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=700))
def test_it_fits_and_is_the_beginning(reason: str) -> None:
    cut = audit_reason(reason)
    assert len(quote(cut, safe="/ ")) <= 512
    assert reason.startswith(cut)


def test_what_fits_is_not_cut() -> None:
    assert audit_reason("é" * 85) == "é" * 85
    assert len(audit_reason("é" * 86)) == 85
