"""What holds for every answer, whatever was asked and whoever made it."""

from typing import Any

import httpx
import pytest
from support.api import ORIGIN, browser, log_in, register, running_api
from support.hosting import GUILD, insert_bot, insert_installation
from support.stack import Database

from astero_api.dashboard.static_files import STATIC
from astero_api.web.edge import Edge
from astero_api.web.security_headers import API_SECURITY_HEADERS


def problem_of(answer: httpx.Response) -> dict[str, object]:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["requestId"] == answer.headers["x-request-id"]
    return problem


def has_each_header_once(answer: httpx.Response) -> None:
    headers = answer.headers
    for name, value in API_SECURITY_HEADERS:
        # a file's address changes with the file, and nothing in it is anybody's own
        is_kept = name == b"cache-control" and answer.url.path.startswith(STATIC) and answer.is_success
        expected = "public, max-age=31536000, immutable" if is_kept else value.decode()
        assert headers.get_list(name.decode()) == [expected], (answer.url, name)
    assert len(headers.get_list("x-request-id")) == 1
    # a text without its charset is read in whatever the reader guesses (ASVS 4.1.1)
    kind = headers.get("content-type", "")
    assert not kind.startswith("text/") or kind.endswith("; charset=utf-8")


async def test_every_answer_has_each_header_once(api: Edge) -> None:
    statuses: set[int] = set()
    for number, (method, path, sent) in enumerate(
        [
            ("GET", "/api/health/live", {}),
            ("HEAD", "/api/health/live", {}),
            ("OPTIONS", "/api/health/live", {}),
            ("GET", f"{STATIC}/home.js", {}),
            ("GET", f"{STATIC}/account.css", {}),
            ("GET", f"{STATIC}/nothing.css", {}),
            ("GET", "/static/account.css", {}),
            ("POST", f"{STATIC}/account.css", {}),
            ("GET", "/api/auth/me", {}),
            ("GET", "/nothing", {}),
            ("DELETE", "/api/health/live", {}),
            ("TRACE", "/api/health/live", {}),
            ("GET", "/api/health/live?x=1", {}),
            ("POST", "/api/auth/login", {"content": "{"}),
            ("POST", "/api/auth/login", {"content": "{" * 300_000}),
            ("POST", "/api/auth/login", {"data": {"a": "b"}}),
            ("POST", "/api/auth/login", {"headers": {"Origin": "null"}}),
            *[("POST", "/api/auth/login", {"content": "["})] * 6,
        ]
    ):
        # the last six come from one address
        async with browser(api, address=f"203.0.113.{min(number, 17)}") as client:
            sent["headers"] = {"Content-Type": "application/json"} | sent.get("headers", {})
            if "data" in sent:
                del sent["headers"]
            answer = await client.request(method, path, **sent)
        has_each_header_once(answer)
        assert "ratelimit" in answer.headers
        statuses.add(answer.status_code)
    assert statuses == {200, 204, 400, 401, 403, 404, 405, 413, 415, 422, 429}


async def test_an_answer_nobody_planned_has_them_too(api: Edge, client: httpx.AsyncClient) -> None:
    async def broken(_scope: Any, _receive: Any, _send: Any) -> None:
        raise LookupError

    api._app = broken
    answer = await client.get("/")
    assert (answer.status_code, problem_of(answer)["code"]) == (500, "internal")
    has_each_header_once(answer)


async def test_a_request_id_is_ours(client: httpx.AsyncClient) -> None:
    first = await client.get("/api/health/live", headers={"X-Request-Id": "mine"})
    second = await client.get("/api/health/live")
    assert first.headers["x-request-id"] != "mine"
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_head_has_no_body_but_its_length(client: httpx.AsyncClient) -> None:
    get = await client.get("/api/health/live")
    head = await client.head("/api/health/live")
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize(
    "path",
    [
        "/internal",
        "/internal/bots",
        "/INTERNAL/health",
        "/%69nternal/health",
        "/%2569nternal/health",
        "/internal%2fhealth",
        "//internal/health",
        "/api/../internal/health",
        "/./internal/health",
        "/api/%2e%2e/internal/health",
        "/\\internal/health",
        "/internal;x=1/health",
    ],
)
async def test_internal_is_an_ordinary_404_however_it_is_spelled(
    client: httpx.AsyncClient, path: str
) -> None:
    for method in ("GET", "POST"):
        internal = problem_of(await client.request(method, path))
        ordinary = problem_of(await client.request(method, "/nothing"))
        del internal["requestId"], ordinary["requestId"]
        assert internal == ordinary


async def test_405_says_what_is_allowed(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/health/live", json={})
    assert problem_of(answer)["code"] == "method_not_allowed"
    assert "GET" in answer.headers["allow"]


async def test_without_preload_nobody_may_put_the_domain_on_a_list(api_environment: dict[str, str]) -> None:
    async with running_api(api_environment | {"HSTS_PRELOAD": "false"}) as edge, browser(edge) as client:
        for path in ("/api/health/live", "/nothing"):
            answer = await client.get(path)
            told = answer.headers.get_list("strict-transport-security")
            assert told == ["max-age=63072000; includeSubDomains"]
            assert answer.headers.get_list("x-frame-options") == ["DENY"]


async def test_a_304_has_them_too(client: httpx.AsyncClient, database: Database) -> None:
    user = await register(client)
    await log_in(client)
    bot_id = insert_bot(database.admin, user["id"])
    insert_installation(database.admin, bot_id)
    path = f"/api/bots/{bot_id}/guilds/{GUILD}/modules/automod"
    tag = (await client.get(path)).headers["etag"]
    answer = await client.get(path, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")
    has_each_header_once(answer)


class Seen:
    """In place of the routes: which cookies reach them."""

    def __init__(self) -> None:
        self.cookies: list[str] = []

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        self.cookies = [value.decode() for name, value in scope["headers"] if name == b"cookie"]
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def test_the_refresh_token_reaches_only_what_uses_it(api: Edge) -> None:
    api._app = seen = Seen()
    # HTTP/2 may send each cookie in a header of its own (RFC 9113, 8.2.3)
    sent = ["a=1; __Host-astero_rt=token; b=2;__Host-astero_rt=other", " __Host-astero_rt =token", "c=3"]
    transport = httpx.ASGITransport(app=api)  # pyright: ignore[reportArgumentType]
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        for path, reaches in (
            ("/api/auth/refresh", True),
            ("/api/auth/logout", True),
            ("/api/auth/login", True),
            ("/api/auth/discord/callback", True),
            ("/api/auth/me", False),
            ("/api/auth/refresh/", False),
            ("/API/auth/refresh", False),
            ("/api/auth/refresh/%2e%2e/me", False),
            ("/api/auth/refreshed", False),
            ("/", False),
        ):
            await client.get(path, headers=[("Cookie", value) for value in sent])
            assert seen.cookies == (sent if reaches else ["a=1; b=2", "", "c=3"]), path
