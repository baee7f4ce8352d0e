"""The deployed process against bytes no well-behaved client sends: always a 4xx problem, never a 5xx."""

import itertools
import json
import resource
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest
from support.api import ORIGIN, environment
from support.api_process import ApiProcess, running_process
from support.databases import fresh_database
from support.stack import Database

from astero_api.web.security_headers import API_SECURITY_HEADERS
from astero_sandbox.postgres import Postgres
from astero_sandbox.valkey import Valkey

_HOST_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def api(postgres_server: Postgres, migrated_template: str, valkey_server: Valkey) -> Iterator[ApiProcess]:
    with fresh_database(postgres_server, template=migrated_template) as name:
        database = Database.on(postgres_server, name)
        env = environment(database_url=database.api, redis_url=valkey_server.url("api"))
        with running_process(env | {"TRUSTED_PROXIES": "127.0.0.1"}) as process:
            yield process


BOT = "01a209d7-cb9d-74b2-8c98-d3c89c868dc4"


def address() -> bytes:
    """A client of its own for each request, as the edge would name it: limits are not what is tested here."""
    number = next(_HOST_NUMBERS)
    return f"CF-Connecting-IP: 10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}\r\n".encode()


def request(method: str, target: str, *lines: str, body: bytes = b"") -> bytes:
    head = "".join(f"{line}\r\n" for line in lines)
    first = (
        f"{method} {target} HTTP/1.1\r\nHost: api\r\nConnection: close\r\nOrigin: {ORIGIN}\r\n{head}".encode(
            "latin-1"
        )
    )
    length = b"" if b"ransfer-" in first or not body else b"Content-Length: %d\r\n" % len(body)
    return first + address() + length + b"\r\n" + body


def login(body: bytes, *lines: str) -> bytes:
    return request("POST", "/api/auth/login", "Content-Type: application/json", *lines, body=body)


def check(answer: tuple[int, dict[str, list[str]], bytes], *expected: int) -> dict[str, object]:
    status, headers, body = answer
    assert status in expected, (status, body)
    for name, value in API_SECURITY_HEADERS:
        assert headers[name.decode()] == [value.decode()]
    assert headers["content-type"] == ["application/problem+json"]
    problem = json.loads(body)
    assert problem["status"] == status
    assert problem["requestId"] == headers["x-request-id"][0]
    return problem


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[" * 200_000,
        b'{"a":' * 40_000,
        b'{"email": "\xff", "password": "x"}',
        b'{"email": "\\ud800", "password": "x"}',
        b'{"email": "a\\u0000b", "password": "x"}',
        b'{"email": "a", "email": "b", "password": "x"}',
        b'{"email": NaN, "password": "x"}',
        b"\x00" * 100,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_not_json_is_400(api: ApiProcess, body: bytes) -> None:
    check(api.send(login(body)), 400)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"email": 1, "password": "x"}', "/email"),
        (b'{"email": "a", "password": "x", "admin": true}', "/admin"),
        (b'{"email": "a"}', "/password"),
        (b"null", ""),
        (b'"text"', ""),
        (b'{"email": "a", "password": ["x"]}', "/password"),
    ],
)
def test_a_wrong_field_is_422_with_its_pointer(api: ApiProcess, body: bytes, pointer: str) -> None:
    problem = check(api.send(login(body)), 422)
    errors = problem["errors"]
    assert isinstance(errors, list)
    assert [error["pointer"] for error in errors] == [pointer]


@pytest.mark.parametrize("hosts", [b"", b"Host: api\r\nHost: api\r\n", b"Host: api\r\nhOST: evil\r\n"])
def test_a_request_names_one_host(api: ApiProcess, hosts: bytes) -> None:
    check(api.send(b"GET /api/auth/me HTTP/1.1\r\n" + hosts + address() + b"Connection: close\r\n\r\n"), 400)


def test_an_old_client_need_not_name_a_host(api: ApiProcess) -> None:
    assert api.send(b"GET /api/health/live HTTP/1.0\r\n" + address() + b"\r\n")[0] == 200


def test_ten_megabytes_are_refused_unread(api: ApiProcess) -> None:
    head = request(
        "POST", "/api/auth/login", "Content-Type: application/json", f"Content-Length: {10 * 1024 * 1024}"
    )
    check(api.send(head, b" " * (10 * 1024 * 1024)), 413)


def test_ten_megabytes_without_an_announced_length_are_refused_too(api: ApiProcess) -> None:
    head = request("POST", "/api/auth/login", "Content-Type: application/json", "Transfer-Encoding: chunked")
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    check(api.send(head, *([chunk] * 160), b"0\r\n\r\n"), 413)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "\xff\xfe", ""])
def test_other_media_types_are_415(api: ApiProcess, media_type: str) -> None:
    sent = request("POST", "/api/auth/login", f"Content-Type: {media_type}", body=b"{}")
    check(api.send(sent), 415)


@pytest.mark.parametrize(
    "target",
    [
        "/%00",
        "/%ff%fe",
        "/api/bots/%00",
        "/api/bots/%ff",
        "/api/bots/{}",
        "/api/bots/not-a-uuid/guilds",
        "/api/health/live/extra",
        "/api//health///nothing",
        "/" + "a/" * 2000,
        "/api/bots/00000000-0000-0000-0000-00000000000%30x",
        "/api/bots/01a209d7cb9d74b28c98d3c89c868dc4",
        "/api/bots/{01a209d7-cb9d-74b2-8c98-d3c89c868dc4}",
        "/api/bots/urn:uuid:01a209d7-cb9d-74b2-8c98-d3c89c868dc4",
        "/api/bots/%c0%ae%c0%ae/guilds",
        "/api/bots/%e0%80%af",
        "/api/bots/%ed%a0%80",
        "/api/bots/%f8%88%80%80%80",
        f"/api/bots/{BOT}/guilds/1/cases/1_0",
        f"/api/bots/{BOT}/guilds/1/cases/+1",
        f"/api/bots/{BOT}/guilds/1/cases/01",
        f"/api/bots/{BOT}/guilds/1/cases/%D9%A1",
        f"/api/bots/{BOT}/guilds/1/cases/%EF%BC%91",
    ],
    ids=lambda target: target[:30],
)
def test_addresses_that_lead_nowhere_are_404(api: ApiProcess, target: str) -> None:
    check(api.send(request("GET", target)), 404)


@pytest.mark.parametrize(
    "query",
    ["x=1", "%ff=1", "a", "&&&", "=", "x=%00", "x=" + "y" * 5000, ";", "x[]=1", "%"],
    ids=lambda query: query[:8],
)
def test_unknown_query_parameters_are_422(api: ApiProcess, query: str) -> None:
    check(api.send(request("GET", f"/api/health/live?{query}")), 422)


@pytest.mark.parametrize("method", ["PUT", "TRACE", "CONNECT", "PROPFIND", "get"])
def test_other_methods_are_405(api: ApiProcess, method: str) -> None:
    answer = api.send(request(method, "/api/health/live", "X-Secret: not-repeated"))
    check(answer, 405)
    assert "allow" in answer[1]
    assert b"not-repeated" not in answer[2]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"\x00\x01nonsense\r\n\r\n", 400),
        (b"GE T / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHo st: x\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\na", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x1\r\n\r\na", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\na", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_is_no_http_is_refused_by_the_parser_in_silence(
    api: ApiProcess, sent: bytes, expected: int
) -> None:
    """There is no request yet that our headers could answer: no body, no name of a server, and the end."""
    status, headers, body = api.send(sent)
    assert (status, body) == (expected, b"")
    assert headers.keys() == {"connection", "content-length", "date"}
    assert headers["connection"] == ["close"]


@pytest.mark.parametrize(
    "chunks",
    [
        b"-1\r\n{}\r\n0\r\n\r\n",
        b"0x2\r\n{}\r\n0\r\n\r\n",
        b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        b"1\r\n{}\r\n0\r\n\r\n",
        b"2\n{}\n0\n\n",
        b"2;" + b"x" * 100_000 + b"\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
    ],
    ids=lambda chunks: repr(chunks[:14]),
)
def test_chunks_that_are_none_are_400(api: ApiProcess, chunks: bytes) -> None:
    head = request("POST", "/api/auth/login", "Content-Type: application/json", "Transfer-Encoding: chunked")
    check(api.send(head + chunks), 400)


def test_an_announced_length_counts_nothing_beside_chunks(api: ApiProcess) -> None:
    """RFC 9112, 6.3: what is read as the body, and as the next request, is what the chunks say."""
    kept = "POST /api/auth/login HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\n"
    for lengths in ("Content-Length: 71\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked"):
        first = f"{kept}Origin: {ORIGIN}\r\n{lengths}\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n".encode()
        second = request("DELETE", "/api/health/live")
        status, _, rest = api.send(first + second)
        answers = rest.count(b"HTTP/1.1 ")
        # the login's fields are missing, and then either the connection ends or the next one is answered
        assert (status, answers) in {(422, 0), (422, 1)}
        assert answers == 0 or b"HTTP/1.1 405" in rest


@pytest.mark.parametrize("name", ["Origin", "Sec-Fetch-Site", "Content-Type"])
def test_of_two_words_that_differ_the_worse_counts(api: ApiProcess, name: str) -> None:
    good = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
    bad = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"}
    for first, second in ((good, bad), (bad, good)):
        lines = [f"{other}: {value}" for other, value in good.items() if other not in {name, "Origin"}]
        sent = request(
            "POST", "/api/auth/login", *lines, f"{name}: {first[name]}", f"{name}: {second[name]}", body=b"{}"
        )
        check(api.send(sent), 403, 415)


def test_a_hundred_kilobytes_in_a_header_are_read_past(api: ApiProcess) -> None:
    check(api.send(request("GET", "/api/auth/me", "X-Long: " + "x" * 100_000)), 401)
    check(api.send(request("GET", "/api/auth/me", "Cookie: a=" + "x" * 100_000)), 401)


def test_http_2_in_the_clear_is_not_spoken(api: ApiProcess) -> None:
    with socket.create_connection(("127.0.0.1", api.port), timeout=20) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
        with suppress(ConnectionResetError):
            assert connection.recv(64) == b""


@pytest.mark.parametrize(
    "line",
    [
        "Cookie: __Host-astero_at=\xff\xfe",
        "Cookie: __Host-astero_at=a.b.c",
        "Cookie: __Host-astero_at=" + "a" * 5000,
        "Cookie: ;;;===;",
        "Authorization: Bearer x.y.z",
        "Accept-Language: \xff;q=9,fr;q=",
    ],
    ids=lambda line: line[:30],
)
def test_odd_headers_are_no_session(api: ApiProcess, line: str) -> None:
    check(api.send(request("GET", "/api/auth/me", line)), 401)


def test_an_address_header_that_is_no_address_is_ignored(api: ApiProcess) -> None:
    for garbage in ("garbage<script>", "1.2.3.4:55", "127.0.0.1, 8.8.8.8", "::1%eth0"):
        head = b"GET /api/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCF-Connecting-IP: "
        assert api.send(head + garbage.encode() + b"\r\n\r\n")[0] == 200


def test_head_sends_headers_only(api: ApiProcess) -> None:
    status, headers, body = api.send(request("HEAD", "/api/health/live"))
    assert (status, body) == (200, b"")
    assert int(headers["content-length"][0]) > 0
    status, _, body = api.send(request("HEAD", "/nothing"))
    assert (status, body) == (404, b"")


def test_a_crowd_that_says_nothing_keeps_nobody_waiting(api: ApiProcess) -> None:
    """More than Granian takes by itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as crowd:
        # a terminal often gives 1024 files
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
        crowd.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(1_100):
            crowd.enter_context(socket.create_connection(("127.0.0.1", api.port), timeout=20))
        # Granian itself sends them away after thirty seconds
        assert api.send(request("GET", "/api/health/live"), seconds=20)[0] == 200


def test_limits_are_exact_when_many_ask_at_once(api: ApiProcess) -> None:
    same = b"CF-Connecting-IP: 192.0.2.200\r\n"
    sent = login(b'{"email": "a@b.cd", "password": "wrong-password-1"}')
    fixed = b"\r\n".join(
        same.strip() if line.startswith(b"CF-Connecting-IP") else line for line in sent.split(b"\r\n")
    )
    with ThreadPoolExecutor(20) as threads:
        statuses = list(threads.map(lambda _: api.send(fixed, seconds=60)[0], range(40)))
    # five may try (the pool hashes one at a time and refuses who would wait too long), the others may not
    assert statuses.count(429) == 35
    assert {status for status in statuses if status != 429} <= {401, 503}


def test_it_ends_when_asked(postgres_server: Postgres, migrated_template: str, valkey_server: Valkey) -> None:
    with fresh_database(postgres_server, template=migrated_template) as name:
        env = environment(
            database_url=Database.on(postgres_server, name).api, redis_url=valkey_server.url("api")
        )
        with running_process(env) as process:
            assert process.stop() == 0
