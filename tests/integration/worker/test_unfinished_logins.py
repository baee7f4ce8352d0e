"""What began and was not finished goes after a day; what still counts stays."""

from datetime import timedelta

from support.mfa import run
from support.stack import Database

from astero_api.features.mfa.jobs import forget_unfinished
from astero_shared.db.engine import create_engine
from astero_shared.ids import new_id
from astero_shared.settings import Secret

_BLOB = b"\x01" + bytes(60)


def begin(database: Database, ago: timedelta, *, confirmed: bool) -> None:
    """A user with a seed, a pending login and a challenge that began `ago`."""
    user_id = new_id()
    run(
        database,
        "INSERT INTO users (id, email, email_key, created_at) VALUES (%s, %s, %s, now())",
        *(user_id, str(user_id), str(user_id)),
    )
    run(
        database,
        "INSERT INTO totp_seeds (user_id, ciphertext, created_at, confirmed_at, last_step)"
        " VALUES (%s, %s, now() - %s, CASE WHEN %s THEN now() END, 0)",
        *(user_id, _BLOB, ago, confirmed),
    )
    run(
        database,
        "INSERT INTO pending_logins (id, user_id, token_version, amr, attempts, created_at, expires_at)"
        " VALUES (%s, %s, 1, '{pwd}', 0, now() - %s, now() - %s + interval '5 minutes')",
        *(new_id(), user_id, ago, ago),
    )
    run(
        database,
        "INSERT INTO passkey_challenges (challenge_hash, purpose, created_at, expires_at)"
        " VALUES (%s, 'sign_in', now() - %s, now() - %s + interval '5 minutes')",
        *(new_id().bytes * 2, ago, ago),
    )


async def test_what_was_not_finished_goes_after_a_day(database: Database) -> None:
    begin(database, timedelta(days=1, minutes=1), confirmed=False)
    begin(database, timedelta(days=1, minutes=1), confirmed=True)
    begin(database, timedelta(minutes=1), confirmed=False)
    engine = create_engine(Secret(database.api), application="test")
    try:
        assert await forget_unfinished(engine) == 5
        assert await forget_unfinished(engine) == 0
    finally:
        await engine.dispose()
    left = [
        run(database, "SELECT count(*) FROM pending_logins"),
        run(database, "SELECT count(*) FROM passkey_challenges"),
        run(database, "SELECT count(*) FROM totp_seeds WHERE confirmed_at IS NULL"),
        run(database, "SELECT count(*) FROM totp_seeds"),
    ]
    assert left == [[(1,)], [(1,)], [(1,)], [(2,)]]
