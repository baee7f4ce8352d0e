"""What holds for every route there is: reading changes nothing, and no other site changes anything."""

from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import httpx
import psycopg
import pytest
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from psycopg import sql
from support.api import ORIGIN, log_in, register, running_api
from support.hosting import GUILD, insert_bot, insert_installation
from support.stack import Database

from astero_api.web.csrf import SAFE_METHODS
from astero_api.web.edge import Edge
from astero_api.web.limits import Tiers
from astero_api.web.policy import Permission, declared_routes, policy_of
from astero_shared.ids import new_id

ELSEWHERE = (
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "same-site", "Origin": "https://neighbour.astero.test"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {},
)


@pytest.fixture
async def api(api_environment: dict[str, str]) -> AsyncIterator[Edge]:
    async with running_api(api_environment, tiers=Tiers(factor=10_000)) as edge:
        yield edge


@pytest.fixture
async def places(client: httpx.AsyncClient, database: Database) -> dict[str, str]:
    """Where a route's path leads somewhere, for the client, who is signed in."""
    user = await register(client)
    await log_in(client)
    bot_id = insert_bot(database.admin, user["id"])
    insert_installation(database.admin, bot_id)
    sessions = (await client.get("/api/auth/sessions")).json()["items"]
    return {
        "bot_id": str(bot_id),
        "guild_id": str(GUILD),
        "session_id": sessions[0]["id"],
        "module": "automod",
    }


def paths(
    api: Edge, places: dict[str, str], *, safe: bool, closed: bool = False
) -> Iterator[tuple[str, str]]:
    """(method, path); with `closed` only of those that ask who is there."""
    for route, handler in declared_routes(api.litestar):
        declared = policy_of(handler)
        if closed and (declared is None or declared.permission is Permission.PUBLIC):
            continue
        for method in sorted(handler.http_methods):
            if (method in SAFE_METHODS) == safe:
                yield method, path_to(route, handler, places)


def path_to(route: HTTPRoute, handler: HTTPRouteHandler, places: dict[str, str]) -> str:
    path = route.path
    for name, parameter in route.path_parameters.items():
        anything = str(new_id()) if parameter.type is UUID else "1"
        path = path.replace(f"{{{parameter.full}}}", places.get(name, anything))
    assert "{" not in path, (path, handler)
    return path


def state_of(database: Database) -> dict[str, str]:
    """A digest of each table, whoever's it is."""
    with psycopg.connect(database.admin) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        digest = sql.SQL("SELECT md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) FROM {} t")
        found: dict[str, str] = {}
        for table in tables:
            row = connection.execute(digest.format(sql.Identifier(*table))).fetchone()
            assert row is not None
            found[".".join(table)] = row[0]
    assert found["public.users"] != found["public.cases"]
    return found


async def test_get_and_head_change_nothing(
    api: Edge, client: httpx.AsyncClient, places: dict[str, str], database: Database
) -> None:
    before = state_of(database)
    asked = list(paths(api, places, safe=True))
    assert len(asked) > 15
    for method, path in asked:
        for query in ("", "?limit=2", "?state=active", "?state=x&code=y", "?next=/"):
            for verb in (method, "HEAD", "OPTIONS"):
                assert (await client.request(verb, path + query)).status_code < 500
        assert state_of(database) == before, path


@pytest.mark.parametrize("headers", ELSEWHERE, ids=str)
async def test_no_other_site_changes_anything(
    api: Edge, client: httpx.AsyncClient, places: dict[str, str], database: Database, headers: dict[str, str]
) -> None:
    before = state_of(database)
    asked = list(paths(api, places, safe=False))
    assert len(asked) > 20
    for name in ("Sec-Fetch-Site", "Origin"):
        client.headers.pop(name)
    for method, path in asked:
        answer = await client.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.cross_site"), (method, path)
    assert state_of(database) == before


async def test_no_form_changes_anything(
    api: Edge, client: httpx.AsyncClient, places: dict[str, str], database: Database
) -> None:
    before = state_of(database)
    for method, path in paths(api, places, safe=False):
        answer = await client.request(method, path, data={"password": "x"})
        assert (answer.status_code, answer.json()["code"]) == (415, "request.media_type"), (method, path)
    assert state_of(database) == before


async def test_a_token_in_a_header_is_worth_nothing(
    api: Edge, client: httpx.AsyncClient, places: dict[str, str], database: Database
) -> None:
    token = client.cookies["__Host-astero_at"]
    client.cookies.clear()
    before = state_of(database)
    for safe in (True, False):
        for method, path in paths(api, places, safe=safe, closed=True):
            answer = await client.request(method, path, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 401, (method, path)
    assert state_of(database) == before


async def test_the_dashboard_itself_is_let_through(
    api: Edge, client: httpx.AsyncClient, places: dict[str, str]
) -> None:
    """So that the refusals above are of their origin."""
    client.headers.pop("Sec-Fetch-Site")
    for method, path in paths(api, places, safe=False):
        answer = await client.request(method, path, headers={"Origin": ORIGIN})
        assert answer.status_code != 403 or answer.json()["code"] != "auth.cross_site", (method, path)
