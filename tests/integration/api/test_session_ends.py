"""How long staying signed in lasts: seven days unused, thirty in all, whatever is done meanwhile."""

from datetime import timedelta

import httpx
import psycopg
import pytest
from support.api import browser, log_in, register
from support.stack import Database

from astero_api.features.sessions.tokens import REFRESH_IDLE, SESSION_LIFETIME, new_refresh_token
from astero_api.web.edge import Edge


@pytest.fixture
async def ana(client: httpx.AsyncClient) -> httpx.AsyncClient:
    await register(client)
    await log_in(client)
    return client


def pass_by(database: Database, time: timedelta) -> None:
    """As if everything that is stored about sign-ins were older."""
    with psycopg.connect(database.admin, autocommit=True) as connection:
        connection.execute(
            "UPDATE sessions SET created_at = created_at - %(by)s, expires_at = expires_at - %(by)s,"
            " last_seen_at = last_seen_at - %(by)s",
            {"by": time},
        )
        connection.execute(
            "UPDATE refresh_tokens SET created_at = created_at - %(by)s, expires_at = expires_at - %(by)s,"
            " used_at = used_at - %(by)s",
            {"by": time},
        )


async def refresh(client: httpx.AsyncClient) -> int:
    return (await client.post("/api/auth/refresh")).status_code


@pytest.mark.parametrize(
    ("unused", "status"), [(REFRESH_IDLE - timedelta(minutes=5), 204), (REFRESH_IDLE, 401)]
)
async def test_unused_for_seven_days_it_is_over(
    ana: httpx.AsyncClient, database: Database, unused: timedelta, status: int
) -> None:
    assert timedelta(days=7) == REFRESH_IDLE
    pass_by(database, unused)
    assert await refresh(ana) == status


async def test_what_is_over_takes_nobodys_place(
    ana: httpx.AsyncClient, api: Edge, database: Database
) -> None:
    """Of twenty sessions that are kept, the one in use is the oldest, and nobody comes back to the others."""
    async with browser(api, address="198.51.100.1") as phone:
        await log_in(phone)
    with psycopg.connect(database.admin, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO sessions SELECT (jsonb_populate_record(s, jsonb_build_object('id', new_id)))"
            ".* FROM sessions s, LATERAL (SELECT gen_random_uuid() AS new_id FROM generate_series(1, 18)) n"
            " WHERE ip = '198.51.100.1'"
        )
        connection.execute(
            "UPDATE sessions SET last_seen_at = now() - interval '7 days' WHERE ip = '198.51.100.1'"
        )
    assert len((await ana.get("/api/auth/sessions")).json()["items"]) == 1
    async with browser(api, address="198.51.100.2") as tablet:
        await log_in(tablet)
        assert len((await tablet.get("/api/auth/sessions")).json()["items"]) == 2
    assert (await ana.get("/api/auth/me")).status_code == 200


async def test_in_use_every_day_it_is_over_after_thirty(ana: httpx.AsyncClient, database: Database) -> None:
    assert timedelta(days=30) == SESSION_LIFETIME
    for _ in range(29):
        pass_by(database, timedelta(days=1))
        assert await refresh(ana) == 204
    pass_by(database, timedelta(days=1) - timedelta(minutes=5))
    assert await refresh(ana) == 204
    pass_by(database, timedelta(minutes=5))
    assert (await ana.get("/api/auth/me")).status_code == 401
    assert await refresh(ana) == 401


def test_a_token_has_256_bits_from_the_system() -> None:
    tokens = {new_refresh_token() for _ in range(500)}
    assert {len(token) for token in tokens} == {43}
    assert len(tokens) == 500


async def test_no_account_is_there_from_the_start(database: Database) -> None:
    with psycopg.connect(database.admin) as connection:
        found = connection.execute("SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM sessions)")
        assert found.fetchone() == (0, 0)
