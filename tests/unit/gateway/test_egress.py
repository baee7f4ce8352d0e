"""discord.py's connections: to Discord and its gateways alone, whatever an answer says."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from astero_bot_engine.gateway.egress import EgressDeniedConnectionError
from astero_bot_engine.gateway.rest import RestTransport

API = "/api/v10"


async def attempt(api_url: str, url: str) -> None:
    """Only the ways that are refused are gone: nothing is connected to before."""
    transport = RestTransport(api_url=api_url)
    try:
        async with asyncio.timeout(5):
            await transport.session.get(url)
    finally:
        await transport.close()


@pytest.mark.parametrize(
    ("api_url", "url"),
    [
        *(
            (f"https://discord.com{API}", url)
            for url in (
                "http://discord.com/api", "https://discord.com:8443/", "ws://discord.com/",
                "https://cdn.discordapp.com/a.png", "wss://discord.gg.evil.example/", "wss://evildiscord.gg/",
                "ws://gateway.discord.gg/", "wss://gateway.discord.gg:8443/", "https://gateway.discord.gg/",
                "wss://127.0.0.1/", "https://[::1]/", "https://user:word@127.0.0.1/",
            )
        ),
        (f"http://127.0.0.1:1{API}", "http://127.0.0.1:2/"),
        (f"http://127.0.0.1:1{API}", "http://127.0.0.2:1/"),
        (f"http://127.0.0.1:1{API}", "wss://localhost:1/"),
    ],
)  # fmt: skip
async def test_nothing_else_is_connected_to(api_url: str, url: str) -> None:
    with pytest.raises(EgressDeniedConnectionError):
        await attempt(api_url, url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "ws://127.0.0.1:2/", "wss://127.0.0.1:2/"])
async def test_the_api_and_gateways_on_its_host_are(url: str) -> None:
    with pytest.raises(aiohttp.ClientConnectorError):
        await attempt(f"http://127.0.0.1:1{API}", url)


@pytest.fixture
async def elsewhere() -> AsyncIterator[tuple[int, list[bytes]]]:
    """Answers everything with a redirect to another port of this machine."""
    heard: list[bytes] = []

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(redirect, "127.0.0.1", 0)
    yield listener.sockets[0].getsockname()[1], heard
    listener.close()


async def test_a_redirect_leads_nowhere_else(elsewhere: tuple[int, list[bytes]]) -> None:
    port, heard = elsewhere
    with pytest.raises(EgressDeniedConnectionError):
        await attempt(f"http://127.0.0.1:{port}{API}", f"http://127.0.0.1:{port}/x")
    assert len(heard) == 1
