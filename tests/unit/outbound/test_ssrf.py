"""The transport for strangers' URLs, against real sockets: where it connects, and what it puts up with."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.consumer import NAME, Answer, Authority, Call, Consumer, consuming, plain

from astero_shared.networks import Networks
from astero_shared.outbound.dialing import ASIDE, AnswerTooLargeError, BlockedError, CrowdedError
from astero_shared.outbound.prefixes import Address
from astero_shared.outbound.ssrf import create_stranger_client
from astero_shared.outbound.urls import Allowance


class Names:
    """A resolver that answers from a list, and counts how often it is asked."""

    def __init__(self, *answers: str) -> None:
        self.answers: Sequence[Address] = [ip_address(answer) for answer in answers]
        self.asked = 0

    async def __call__(self, _host: str, _port: int) -> Sequence[Address]:
        self.asked += 1
        return self.answers


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def knocks() -> AsyncIterator[list[Any]]:
    """Connections to a port that is open on every address of this machine; the last item is the port."""
    found: list[Any] = []

    async def count(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.insert(0, writer.get_extra_info("peername"))
        writer.close()

    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listening:
        listener = await asyncio.start_server(count, sock=listening)
        found.append(listening.getsockname()[1])
        yield found
        listener.close()


async def knock(port: int) -> None:
    """Until the listener has let go of us: whoever came before us has been counted."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.read()
    writer.close()


def client_for(consumer: Consumer, authority: Authority, **options: Any) -> httpx.AsyncClient:
    allowance = Allowance.parse(consumer.allowed)
    return create_stranger_client(
        **({"allowance": allowance, "tls": authority.client, "resolve": Names("127.0.0.1")} | options)
    )


def named(consumer: Consumer) -> str:
    return f"https://{NAME}:{consumer.port}/hook"


@pytest.mark.parametrize(
    "answers",
    [
        *(["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["0.0.0.0"], ["::"], ["127.9.9.9"]),  # noqa: S104
        *(["64:ff9b::7f00:1"], ["64:ff9b:1::7f00:1"], ["2002:7f00:1::"], ["::127.0.0.1"], ["fec0::1"]),
        *(["3fff::1"], ["5f00::1"], ["192.0.0.8"], ["192.88.99.1"], ["168.63.129.16"], ["224.0.0.1"]),
        *(["169.254.169.254"], ["100.100.100.200"], ["fd00:ec2::254"], ["fe80::1"], ["10.0.0.1"]),
        *(["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], ["2606:4700::1", "::1"], []),
    ],
    ids=str,
)
async def test_a_name_that_leads_inside_is_blocked_and_no_connection_opens(
    answers: list[str], knocks: list[Any]
) -> None:
    port = knocks[-1]
    names = Names(*answers)
    # the allowance opens the port, for another address than any of these
    allowance = Allowance.parse(f"127.77.77.77:{port}")
    async with create_stranger_client(allowance=allowance, resolve=names) as client:
        with pytest.raises(BlockedError):
            await client.post(f"https://{NAME}:{port}/")
    await knock(port)
    assert len(knocks) == 2, "one by us"
    assert names.asked == 1


async def test_the_listener_of_these_tests_would_see_a_connection(knocks: list[Any]) -> None:
    port = knocks[-1]
    allowance = Allowance.parse(f"127.0.0.1:{port}")
    async with create_stranger_client(allowance=allowance, resolve=Names("127.0.0.1")) as client:
        with pytest.raises(httpx.NetworkError):
            await client.post(f"https://{NAME}:{port}/")
    assert len(knocks) == 2


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1:{port}/", "https://0x7f.1:{port}/", "https://2130706433:{port}/"),
        *("https://0177.0.0.1:{port}/", "https://[::1]:{port}/", "https://[::ffff:127.0.0.1]:{port}/"),
        *("https://localhost:{port}/", "https://evil.example.com\\@127.0.0.1:{port}/"),
        *("http://hooks.example.com:{port}/", "https://user@hooks.example.com:{port}/"),
        *("https://hooks.example.com:65536/", "https://①②⑦.0.0.1:{port}/", "https://0:{port}/"),
    ],
)
async def test_a_url_that_would_not_be_saved_is_not_called_either(url: str, knocks: list[Any]) -> None:
    port = knocks[-1]
    names = Names("127.0.0.1")
    allowance = Allowance.parse(f"127.77.77.77:{port}")
    async with create_stranger_client(allowance=allowance, resolve=names) as client:
        with pytest.raises((BlockedError, httpx.InvalidURL)):
            await client.post(url.format(port=port))
    await knock(port)
    assert len(knocks) == 2, "one by us"
    assert names.asked == 0


async def test_our_own_public_address_is_blocked() -> None:
    own = Networks.parse("198.41.0.4")
    async with create_stranger_client(own=own, resolve=Names("198.41.0.4")) as client:
        with pytest.raises(BlockedError):
            await client.post(f"https://{NAME}/")


async def test_the_name_stays_what_it_was_while_the_checked_address_is_dialled(authority: Authority) -> None:
    async with consuming(authority) as consumer, client_for(consumer, authority) as client:
        answer = await client.post(named(consumer), content=b"{}")
    assert (answer.status_code, answer.text) == (200, "ok")
    (call,) = consumer.calls
    assert call.line == "POST /hook HTTP/1.1"
    assert call.headers["host"] == f"{NAME}:{consumer.port}"
    assert call.headers["accept-encoding"] == "identity"
    assert not {"cookie", "authorization", "referer"} & call.headers.keys()


async def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    other = Authority.make(tmp_path, names=("other.example.com",))
    async with consuming(other) as consumer, client_for(consumer, other) as client:
        with pytest.raises(httpx.NetworkError):
            await client.post(named(consumer))
    assert consumer.calls == []


async def test_an_unknown_authority_is_refused_where_certificates_count(
    authority: Authority, tmp_path: Path
) -> None:
    unknown = Authority.make(tmp_path)
    async with consuming(unknown) as consumer, client_for(consumer, authority) as client:
        with pytest.raises(httpx.NetworkError):
            await client.post(named(consumer))
    assert consumer.calls == []


async def test_on_this_machine_a_certificate_of_ones_own_will_do(authority: Authority) -> None:
    async with consuming(authority) as consumer, client_for(consumer, authority, tls=None) as client:
        assert (await client.post(consumer.url)).status_code == 200


async def test_every_call_asks_anew_and_a_name_that_turns_inside_is_blocked(authority: Authority) -> None:
    async def stays(call: Call, writer: asyncio.StreamWriter) -> None:
        await exactly(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")(call, writer)
        await asyncio.sleep(60)

    names = Names("127.0.0.1")
    async with (
        consuming(authority, stays) as consumer,
        client_for(consumer, authority, resolve=names) as client,
    ):
        await client.post(named(consumer))
        names.answers = [ip_address("169.254.169.254")]
        with pytest.raises(BlockedError):
            await client.post(named(consumer))
    assert names.asked == 2
    assert len(consumer.calls) == 1


async def test_a_redirect_is_an_answer_and_nobody_goes_there(authority: Authority) -> None:
    there = plain(302, "Location: https://127.0.0.1/", "Set-Cookie: a=b; Path=/")
    async with consuming(authority, there) as consumer, client_for(consumer, authority) as client:
        assert (await client.post(named(consumer))).status_code == 302
        await client.post(named(consumer))
    assert len(consumer.calls) == 2
    assert "cookie" not in consumer.calls[1].headers


async def test_the_environments_proxy_is_ignored(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with consuming(authority) as consumer, client_for(consumer, authority) as client:
        assert (await client.post(named(consumer))).status_code == 200


def endless(head: bytes, part: bytes) -> Answer:
    async def answer(_call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(part)
            await writer.drain()

    return answer


def exactly(answer_bytes: bytes) -> Answer:
    async def answer(_call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(answer_bytes)
        await writer.drain()

    return answer


_OPEN = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(endless(_OPEN + b"\r\n", b"x" * 8192), id="a body without an end"),
        pytest.param(endless(_CHUNKED, b"1000\r\n" + b"x" * 4096 + b"\r\n"), id="chunks without an end"),
        pytest.param(plain(200, body=b"x" * (64 * 1024 + 1)), id="one byte too many"),
        pytest.param(plain(200, "X: " + "y" * 100_000), id="100 KB of headers"),
        pytest.param(plain(200, *(f"X-{n}: {'y' * 100}" for n in range(200))), id="many headers"),
        pytest.param(endless(_OPEN, b"X: y\r\n" * 500), id="headers without an end"),
        pytest.param(
            exactly(b"HTTP/1.1 103 Early\r\n\r\n" + _OPEN + (b"X: " + b"y" * 997 + b"\r\n") * 30 + b"\r\n"),
            id="headers behind an interim answer",
        ),
    ],
)
async def test_too_much_is_cut_off(authority: Authority, answer: Answer) -> None:
    async with consuming(authority, answer) as consumer, client_for(consumer, authority) as client:
        with pytest.raises(AnswerTooLargeError):
            await client.post(named(consumer))


async def test_what_is_just_small_enough_is_read(authority: Authority) -> None:
    answer = plain(200, "X: " + "y" * 16_000, body=b"x" * 64 * 1024)
    async with consuming(authority, answer) as consumer, client_for(consumer, authority) as client:
        assert len((await client.post(named(consumer))).content) == 64 * 1024


async def test_a_gzip_bomb_is_dropped_unread(authority: Authority) -> None:
    bomb = plain(200, "Content-Encoding: gzip", body=gzip.compress(b"\0" * 40_000_000, 1))
    async with consuming(authority, bomb) as consumer, client_for(consumer, authority) as client:
        answer = await client.post(named(consumer))
    assert (answer.status_code, answer.content) == (200, b"")


async def drip(_call: Call, writer: asyncio.StreamWriter) -> None:
    writer.write(_OPEN + b"\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def silence(_call: Call, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)
    writer.close()


@pytest.mark.parametrize("answer", [drip, silence], ids=["drips", "keeps silent"])
async def test_the_whole_call_has_one_deadline(authority: Authority, answer: Answer) -> None:
    async with (
        consuming(authority, answer) as consumer,
        client_for(consumer, authority, total_seconds=0.3) as client,
    ):
        with pytest.raises(httpx.TimeoutException):
            await client.post(named(consumer))


async def test_a_name_nobody_answers_in_time_is_an_ordinary_failure() -> None:
    async def late(_host: str, _port: int) -> Sequence[Address]:
        raise TimeoutError

    async with create_stranger_client(resolve=late) as client:
        with pytest.raises(httpx.TimeoutException):
            await client.post(f"https://{NAME}/")


async def test_an_unknown_name_is_an_ordinary_failure() -> None:
    async def nobody(_host: str, _port: int) -> Sequence[Address]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    async with create_stranger_client(resolve=nobody) as client:
        with pytest.raises(httpx.NetworkError):
            await client.post(f"https://{NAME}/")


@asynccontextmanager
async def held(consumer: Consumer, client: httpx.AsyncClient, count: int) -> AsyncIterator[None]:
    """That many calls under way."""
    calls = [asyncio.create_task(client.post(named(consumer))) for _ in range(count)]
    await consumer.wait_for(count)
    yield
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


async def test_two_calls_at_once_to_one_network_and_then_again(authority: Authority) -> None:
    async with (
        consuming(authority, silence, silence, plain()) as consumer,
        client_for(consumer, authority) as client,
    ):
        async with held(consumer, client, 2):
            with pytest.raises(CrowdedError):
                await client.post(named(consumer))
        # places are given back, also after calls that were broken off
        for _ in range(3):
            assert (await client.post(named(consumer))).status_code == 200


async def test_who_is_slow_leaves_a_place_to_the_others(authority: Authority) -> None:
    aside = {"per_site": ASIDE}
    async with consuming(authority, silence, plain()) as consumer, client_for(consumer, authority) as client:
        async with held(consumer, client, 1):
            with pytest.raises(CrowdedError):
                await client.post(named(consumer), extensions=aside)
            assert (await client.post(named(consumer))).status_code == 200
        assert (await client.post(named(consumer), extensions=aside)).status_code == 200


async def test_a_failed_handshake_gives_its_place_back(authority: Authority, tmp_path: Path) -> None:
    unknown = Authority.make(tmp_path)
    async with consuming(unknown) as consumer, client_for(consumer, authority) as client:
        for _ in range(3):
            with pytest.raises(httpx.NetworkError):
                await client.post(named(consumer))
