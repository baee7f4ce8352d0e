"""What connects to the outside stands in a few places that know where it leads; SDKs are given theirs."""

import ast
from collections.abc import Iterator

from support.source import Source, sources

# Whole modules whose purpose is to connect somewhere; of others, the names that do.
_MODULES = {
    "requests", "urllib3", "http.client", "urllib.request", "smtplib", "imaplib", "ftplib", "telnetlib",
    "websockets", "httpcore", "dns", "aiosmtplib", "authlib.integrations", "pycurl", "anyio", "h11",
}  # fmt: skip
_CALLS = {
    "httpx": {
        "AsyncClient", "Client", "AsyncHTTPTransport", "HTTPTransport", "get", "post", "put", "patch",
        "delete", "head", "options", "request", "stream",
    },
    "aiohttp": {"ClientSession", "TCPConnector", "UnixConnector", "request"},
    "asyncio": {"open_connection", "open_unix_connection"},
    "socket": {"socket", "create_connection", "getaddrinfo", "gethostbyname"},
    "sentry_sdk": {"init"},
    "loop": {"create_connection", "create_datagram_endpoint", "sock_connect", "getaddrinfo"},
}  # fmt: skip
_ANYONES = {"create_connection", "create_datagram_endpoint", "sock_connect", "getaddrinfo", "open_connection"}
_OUTBOUND = "libs/shared/astero_shared/outbound"
# path: what it may use. Everything else asks outbound.http or outbound.ssrf for a client.
MAY = {
    f"{_OUTBOUND}/http.py": {"httpx.AsyncClient", "httpx.AsyncHTTPTransport"},
    f"{_OUTBOUND}/ssrf.py": {"httpcore", "httpx.AsyncClient"},
    f"{_OUTBOUND}/dialing.py": {"httpcore"},
    f"{_OUTBOUND}/names.py": {"dns"},
    # given the courier above, which asks outbound.http
    "libs/shared/astero_shared/observability/sentry.py": {"sentry_sdk.init"},
    # no HTTP: to the one server of SMTP_URL
    "services/api/astero_api/mail/sender.py": {"aiosmtplib"},
    # discord.py's: its connector knows Discord
    "services/bot_engine/astero_bot_engine/gateway/egress.py": {"aiohttp.TCPConnector"},
    "services/bot_engine/astero_bot_engine/gateway/rest.py": {"aiohttp.ClientSession"},
}


def connections(source: Source) -> Iterator[tuple[str, int]]:
    """What one file uses to connect somewhere, with the lines; annotations and except clauses are neither."""
    called = {id(node.func) for node in ast.walk(source.tree) if isinstance(node, ast.Call)}
    based = {
        id(base) for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef) for base in node.bases
    }
    for node in ast.walk(source.tree):
        match node:
            case ast.Import(names=names):
                found = [_module(alias.name) for alias in names]
            case ast.ImportFrom(module=str(module), names=names):
                found = [_module(f"{module}.{alias.name}") or _name(module, alias.name) for alias in names]
            case ast.Attribute(attr=attr, value=ast.Name(id=owner)) if id(node) in called | based:
                found = [_name(owner, attr)]
            case ast.Attribute(attr=attr) if id(node) in called and attr in _ANYONES:
                found = [f"loop.{attr}"]
            case _:
                continue
        yield from ((name, getattr(node, "lineno", 0)) for name in found if name)


def _module(name: str) -> str | None:
    return next((known for known in _MODULES if f"{name}.".startswith(f"{known}.")), None)


def _name(owner: str, name: str) -> str | None:
    if name in _CALLS.get(owner, ()):
        return f"{owner}.{name}"
    return f"loop.{name}" if name in _ANYONES else None


def test_only_outbound_connects() -> None:
    found = [
        f"{source.path}:{line} {name}"
        for source in sources("services", "libs/shared", "deploy")
        for name, line in connections(source)
        if name not in MAY.get(source.path, set())
    ]
    assert found == []


def test_no_permission_is_kept_that_nobody_uses() -> None:
    used = {
        source.path: {name for name, _ in connections(source)}
        for source in sources("services", "libs/shared")
    }
    assert {path: used[path] for path in MAY} == MAY


def test_planted_connections_are_caught() -> None:
    planted = """
import requests
from urllib.request import urlopen
from httpx import AsyncClient
client = httpx.AsyncClient()
httpx.get(url)
class Mine(aiohttp.TCPConnector): ...
session = aiohttp.ClientSession()
reader, writer = await asyncio.open_connection(host, port)
socket.create_connection(place)
await loop.create_connection(factory, host, port)
from authlib.integrations.httpx_client import AsyncOAuth2Client
import aiosmtplib
sentry_sdk.init(dsn)
asyncio.get_running_loop().getaddrinfo(host, port)
from asyncio import open_connection
def take(client: httpx.AsyncClient) -> None: ...
httpx.URL(text)
socket.create_server(place)
""".strip().splitlines()
    lines = {line for _, line in connections(Source("x.py", "\n".join(planted)))}
    assert lines == set(range(1, len(planted) - 2))
