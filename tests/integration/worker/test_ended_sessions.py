"""Sign-ins and tokens that were over for 30 days go, batch by batch; everything younger stays."""

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from support.stack import Database

from astero_api.features.sessions import jobs
from astero_shared.clock import utc_now
from astero_shared.db.engine import create_engine
from astero_shared.ids import new_id
from astero_shared.settings import Secret

_LONG_AGO = timedelta(days=30, minutes=1)
_LATELY = timedelta(days=29, hours=23)


def sign_in(database: Database, *, ended: timedelta, tokens_ended: tuple[timedelta, ...]) -> UUID:
    session_id, user_id, now = new_id(), new_id(), utc_now()
    with psycopg.connect(database.admin, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO users (id, email, email_key, created_at) VALUES (%s, %s, %s, now())",
            [user_id, f"{user_id}@example.org", f"{user_id}@example.org"],
        )
        connection.execute(
            "INSERT INTO sessions (id, user_id, created_at, last_seen_at, expires_at, authenticated_at, amr)"
            " VALUES (%s, %s, now(), now(), %s, now(), '{pwd}')",
            [session_id, user_id, now - ended],
        )
        for token_ended in tokens_ended:
            connection.execute(
                "INSERT INTO refresh_tokens (token_hash, session_id, created_at, expires_at)"
                " VALUES (%s, %s, now(), %s)",
                [new_id().bytes * 2, session_id, now - token_ended],
            )
    return session_id


def left(database: Database) -> dict[UUID, int]:
    """How many tokens each session that is left still has."""
    with psycopg.connect(database.admin) as connection:
        rows = connection.execute(
            "SELECT s.id, count(t.token_hash) FROM sessions s"
            " LEFT JOIN refresh_tokens t ON t.session_id = s.id GROUP BY s.id"
        ).fetchall()
    return dict(rows)


async def forget(database: Database) -> int:
    engine = create_engine(Secret(database.api), application="test")
    try:
        return await jobs.forget_ended(engine)
    finally:
        await engine.dispose()


async def test_what_ended_30_days_ago_goes_and_the_rest_stays(database: Database) -> None:
    sign_in(database, ended=_LONG_AGO, tokens_ended=(_LONG_AGO, _LONG_AGO))
    lately = sign_in(database, ended=_LATELY, tokens_ended=(_LATELY, _LONG_AGO))
    alive = sign_in(database, ended=timedelta(days=-1), tokens_ended=(timedelta(days=-1),))
    assert await forget(database) == 4
    assert left(database) == {lately: 1, alive: 1}
    assert await forget(database) == 0


async def test_more_than_one_batch_goes_at_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_BATCH", 2)
    for _ in range(5):
        sign_in(database, ended=_LONG_AGO, tokens_ended=(_LONG_AGO,))
    # a token that goes with its session is not counted
    assert 5 <= await forget(database) <= 10
    assert left(database) == {}
