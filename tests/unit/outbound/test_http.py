"""The outgoing client against real sockets: where it goes, what it accepts, when it gives up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from astero_shared.outbound.http import (
    EgressDeniedError,
    ResponseTooLargeError,
    create_client,
    origin_of,
)

Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


def plain(status: str = "200 OK", *headers: str, body: bytes = b"ok") -> Answer:
    async def answer(_request: bytes, writer: asyncio.StreamWriter) -> None:
        head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
        writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        await writer.drain()

    return answer


@asynccontextmanager
async def server(answer: Answer, requests: list[bytes] | None = None) -> AsyncIterator[str]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            if requests is not None:
                requests.append(request)
            await answer(request, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left, which is what some of these tests are about
        finally:
            writer.close()

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()


async def test_reaches_an_allowed_origin_as_itself() -> None:
    requests: list[bytes] = []
    async with server(plain(), requests) as url, create_client(allowed=[url]) as client:
        answer = await client.get(f"{url}/x")
    assert answer.text == "ok"
    assert b"user-agent: astero/" in requests[0].lower()
    assert b"accept-encoding: identity" in requests[0].lower()


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://localhost{port}/",
        "https://127.0.0.1{port}/",
        "http://127.0.0.1:1/",
        "http://user:password@127.0.0.1{port}/",
        "http://127.0.0.1{port}.evil.example/",
    ],
)
async def test_anywhere_else_is_denied_before_a_socket_opens(target: str) -> None:
    requests: list[bytes] = []
    async with server(plain(), requests) as url, create_client(allowed=[url]) as client:
        port = ":" + url.rpartition(":")[2]
        if target.endswith(".evil.example/"):
            target, port = "http://127.0.0.1.evil.example/", ""
        with pytest.raises(EgressDeniedError):
            await client.get(target.replace("{port}", port))
    assert requests == []


async def test_a_redirect_is_an_answer_and_following_it_by_hand_is_denied() -> None:
    there = plain("302 Found", "Location: http://169.254.169.254/")
    async with server(there) as url, create_client(allowed=[url]) as client:
        assert (await client.get(url)).status_code == 302
        with pytest.raises(EgressDeniedError):
            await client.get(url, follow_redirects=True)


async def test_the_environments_proxy_and_a_servers_cookies_are_ignored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    requests: list[bytes] = []
    sets_cookie = plain("200 OK", "Set-Cookie: track=me; Path=/")
    async with server(sets_cookie, requests) as url, create_client(allowed=[url]) as client:
        await client.get(url)
        await client.get(url)
    assert len(requests) == 2
    assert b"track" not in requests[1]


@pytest.mark.parametrize(
    "answer",
    [
        plain(body=b"x" * 2000),
        plain("200 OK", "Content-Encoding: gzip", body=b""),
    ],
    ids=["announced", "compressed"],
)
async def test_an_answer_too_large_or_compressed_is_refused(answer: Answer) -> None:
    async with server(answer) as url, create_client(allowed=[url], max_response_bytes=1000) as client:
        with pytest.raises(ResponseTooLargeError):
            await client.get(url)


async def test_an_unannounced_flood_ends_at_the_limit() -> None:
    async def flood(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(b"x" * 1000)
            await writer.drain()

    async with server(flood) as url, create_client(allowed=[url], max_response_bytes=100_000) as client:
        with pytest.raises(ResponseTooLargeError):
            await client.get(url)


async def test_a_dripping_answer_ends_at_the_deadline() -> None:
    async def drip(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with server(drip) as url, create_client(allowed=[url], total_seconds=0.2) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get(url)


async def test_silence_ends_at_the_deadline() -> None:
    async def silence(_request: bytes, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async with server(silence) as url, create_client(allowed=[url], total_seconds=0.2) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get(url)


async def test_a_unix_socket_is_reached_under_its_name(tmp_path: Path) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await plain()(b"", writer)
        writer.close()

    path = tmp_path / "engine.sock"
    listener = await asyncio.start_unix_server(handle, path)
    async with create_client(allowed=["http://engine"], unix_socket=str(path)) as client:
        assert (await client.get("http://engine/internal/health")).text == "ok"
        with pytest.raises(EgressDeniedError):
            await client.get("http://other/")
    listener.close()


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Discord.com/api/v10", ("https", "discord.com", 443)),
        ("https://discord.com.:443", ("https", "discord.com", 443)),
        ("http://[::1]:8081/x", ("http", "::1", 8081)),
        ("https://bücher.example", ("https", "xn--bcher-kva.example", 443)),
    ],
)
def test_an_origin_has_one_spelling(url: str, origin: tuple[str, str, int]) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize("url", ["discord.com", "ftp://discord.com", "https://", "file:///etc/passwd", ""])
def test_what_is_no_origin_is_refused_at_construction(url: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        create_client(allowed=[url])
