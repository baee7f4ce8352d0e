"""The page about signing in says what the code does."""

from datetime import timedelta

from support.documents import rows, section

from astero_api.features.accounts.passwords import COST
from astero_api.features.sessions.tokens import MAX_SESSIONS, REFRESH_IDLE, REPLAY_GRACE, SESSION_LIFETIME
from astero_api.mail.kinds import RESET_LIFETIME
from astero_api.web.access_token import LIFETIME_SECONDS
from astero_api.web.limits import LOGIN
from astero_shared.features.accounts.rules import (
    MAX_PASSWORD_BYTES,
    MIN_PASSWORD_BYTES,
    MIN_PASSWORD_CHARACTERS,
    SERVICE_WORDS,
)
from astero_shared.features.mfa.rules import LOGIN_LIFETIME, MAX_ATTEMPTS, RECOVERY_CODES, STEP_SECONDS
from astero_shared.features.sessions.rules import FRESH_FOR

PAGE = "docs/sign-in.md"


def in_words(time: timedelta) -> str:
    for unit, size in (("days", 86_400), ("minutes", 60), ("seconds", 1)):
        count, rest = divmod(int(time.total_seconds()), size)
        if count and not rest:
            return f"{count} {unit}"
    raise ValueError(time)


def test_its_numbers_are_the_codes() -> None:
    told = dict(rows(section(PAGE, "The numbers")))
    assert told == {
        "the shortest password": f"{MIN_PASSWORD_BYTES} bytes and {MIN_PASSWORD_CHARACTERS} characters",
        "the longest password": f"{MAX_PASSWORD_BYTES} bytes",
        "bcrypt's cost": str(COST),
        "logins from an address, successes included": (
            f"{LOGIN.tier.quota} in {in_words(timedelta(seconds=LOGIN.tier.seconds))}"
        ),
        "an access token lives": in_words(timedelta(seconds=LIFETIME_SECONDS)),
        "a session that is not used ends after": in_words(REFRESH_IDLE),
        "a session ends for good after": in_words(SESSION_LIFETIME),
        "sessions of one account at once": str(MAX_SESSIONS),
        "a refresh token used twice is an accident within": in_words(REPLAY_GRACE),
        "a proof of who one is counts for": in_words(FRESH_FOR),
        "the second step must follow within": in_words(LOGIN_LIFETIME),
        "wrong second steps until the first is asked for again": str(MAX_ATTEMPTS),
        "a link for a forgotten password lives": in_words(RESET_LIFETIME),
    }
    assert (STEP_SECONDS, RECOVERY_CODES, MAX_SESSIONS) == (30, 10, 20)  # those it spells out


def test_its_words_are_the_codes() -> None:
    listed = ", ".join(f"`{word}`" for word in SERVICE_WORDS)
    assert f"what is made of these words: {listed}, the\naccount's own address and name" in section(
        PAGE, "Passwords"
    )
