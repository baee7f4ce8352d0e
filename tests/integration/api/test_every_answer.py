"""What holds for every answer, whatever was asked and whoever made it."""

import httpx
import pytest

from astero_api.web.security_headers import API_SECURITY_HEADERS


def problem_of(answer: httpx.Response) -> dict[str, object]:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["requestId"] == answer.headers["x-request-id"]
    return problem


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/health/live", 200),
        ("HEAD", "/api/health/live", 200),
        ("OPTIONS", "/api/health/live", 204),
        ("GET", "/nothing", 404),
        ("DELETE", "/api/health/live", 405),
        ("TRACE", "/api/health/live", 405),
        ("GET", "/api/health/live?x=1", 422),
    ],
)
async def test_every_answer_has_each_header_once(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    for name, value in API_SECURITY_HEADERS:
        assert answer.headers.get_list(name.decode()) == [value.decode()]
    assert len(answer.headers.get_list("x-request-id")) == 1
    assert "ratelimit" in answer.headers


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
