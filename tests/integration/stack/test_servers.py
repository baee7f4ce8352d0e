"""The embedded servers as a test sees them: real, closed to strangers, and back after a crash."""

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from support.up import until

from astero_sandbox.postgres import Postgres, url
from astero_sandbox.servers import running_postgres, running_valkey
from astero_sandbox.valkey import Valkey


def test_every_test_gets_an_empty_database(postgres: str) -> None:
    with psycopg.connect(postgres) as connection:
        connection.execute("CREATE TABLE seen (id int)")
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert found == (1,)


def test_the_database_knows_nobody_without_a_password(postgres_server: Postgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url(postgres_server.port, "a guess", database="postgres"))


def test_services_may_use_valkey_but_not_empty_or_configure_it(valkey: str, valkey_server: Valkey) -> None:
    with redis.Redis.from_url(valkey_server.url("api")) as api:
        assert api.set("api:limit", "1", ex=60)
        for forbidden in ("FLUSHALL", "CONFIG GET *", "ACL LIST", "SHUTDOWN"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                api.execute_command(*forbidden.split())


def test_valkey_knows_nobody_without_a_user(valkey_server: Valkey) -> None:
    with (
        redis.Redis(port=valkey_server.port, retry=Retry(NoBackoff(), 0)) as stranger,
        pytest.raises(redis.exceptions.AuthenticationError),
    ):
        stranger.ping()


def test_a_killed_server_comes_back_with_its_data() -> None:
    with running_postgres() as handle:
        with psycopg.connect(handle.server.url()) as connection:
            connection.execute("CREATE TABLE kept (id int)")
        first = handle.part.pid
        handle.part.kill()
        until(lambda: handle.part.pid not in {None, first} and handle.server.is_ready())
        with psycopg.connect(handle.server.url()) as connection:
            connection.execute("INSERT INTO kept VALUES (1)")


def test_a_stopped_server_stays_down_until_it_is_started() -> None:
    with running_valkey() as handle:
        handle.part.stop()
        assert not handle.server.is_ready()
        handle.part.start()
        until(handle.server.is_ready)


def test_nothing_is_left_at_the_end() -> None:
    with running_postgres() as handle:
        data = handle.server.program.command[2]
        running = [p for p in psutil.process_iter(["cmdline"]) if data in (p.info["cmdline"] or [])]
        assert running
    assert not [p for p in running if p.is_running()]
    assert not handle.server.is_ready()
