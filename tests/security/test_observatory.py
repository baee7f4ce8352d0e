"""Outsiders on the headers of the running api, over TLS: MDN's HTTP Observatory, and a Chromium that reports.

The scanner is installed once, exactly as its lock file says, and runs offline; no list of preloaded hosts.
"""

import asyncio
import json
import os
import shutil
import ssl
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from support.api import ORIGIN, environment
from support.api_process import ApiProcess, running_process
from support.chromium import needs_chromium, opened_page
from support.databases import fresh_database
from support.stack import Database

from astero_sandbox.mail.certificate import authority_of, ensure_certificate
from astero_sandbox.postgres import Postgres
from astero_sandbox.valkey import Valkey

_FOLDER = Path(__file__).parent / "observatory"
_SCANNER = _FOLDER / "node_modules" / "@mdn" / "mdn-http-observatory"
# the last thing that npm writes: who was ended half way has not installed it
_INSTALLED = _FOLDER / "node_modules" / ".package-lock.json"
_INSTALL = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
_WANTED = 135


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the api prints."""
    return tmp_path_factory.mktemp("observatory") / "api.log"


@pytest.fixture(scope="module")
def api(
    postgres_server: Postgres, migrated_template: str, valkey_server: Valkey, log: Path
) -> Iterator[ApiProcess]:
    with fresh_database(postgres_server, template=migrated_template) as name:
        database = Database.on(postgres_server, name)
        with running_process(
            environment(database_url=database.api, redis_url=valkey_server.url("api")), output=log
        ) as process:
            yield process


@asynccontextmanager
async def edge(api: ApiProcess, certificate: Path) -> AsyncGenerator[int]:
    """TLS before the api, as the edge has it; answers its port."""

    async def flow(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            target.write(data)
        target.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", api.port)
        await asyncio.gather(flow(reader, back), flow(there, writer), return_exceptions=True)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def scan(port: int, authority: Path) -> dict[str, Any]:
    if not _INSTALLED.is_file():
        installing = await asyncio.create_subprocess_exec(*_INSTALL, cwd=_FOLDER)
        assert await installing.wait() == 0
    (_SCANNER / "conf" / "hsts-preload.json").write_text("{}")
    process = await asyncio.create_subprocess_exec(
        *("node", "src/scan.js", f"127.0.0.1:{port}"),
        cwd=_SCANNER,
        env={"PATH": os.environ["PATH"], "NODE_EXTRA_CA_CERTS": str(authority)},
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    return json.loads(printed)


@pytest.mark.timeout(300)
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
async def test_the_home_page_is_graded_as_the_best_are(api: ApiProcess, tmp_path: Path) -> None:
    certificate = ensure_certificate(tmp_path)
    async with edge(api, certificate) as port:
        found = await scan(port, authority_of(tmp_path))
    assert "scan" in found, found
    failed = {name: one for name, one in found["tests"].items() if not one["pass"]}
    assert (failed, found["scan"]["grade"]) == ({}, "A+")
    assert found["scan"]["score"] >= _WANTED, {
        name: (one["result"], one["scoreModifier"]) for name, one in found["tests"].items()
    }


@pytest.mark.browser
@needs_chromium
async def test_what_a_page_was_not_allowed_reaches_the_log(
    api: ApiProcess, log: Path, tmp_path: Path
) -> None:
    """A browser by itself reports it, of a page whose address holds what is nobody's business."""
    switches = ("--ignore-certificate-errors", "--short-reporting-delay")
    async with edge(api, ensure_certificate(tmp_path)) as port:
        here = f"--host-resolver-rules=MAP astero.test:443 127.0.0.1:{port}"
        async with opened_page(complaints=[], switches=(*switches, here)) as page:
            await page.goto(f"{ORIGIN}/account/second-step?next=/canary")
            await page.evaluate("() => { new Image().src = 'https://elsewhere.example/canary' }")
            line, everything = await asyncio.to_thread(_line_of, log, "csp.violation")
    assert (line["directive"], line["blocked"]) == ("img-src", "elsewhere.example")
    assert line["page"] == "/account/second-step"
    assert "canary" not in everything


def _line_of(log: Path, message: str) -> tuple[dict[str, Any], str]:
    """The first line with it once it is there, and the whole log; the test's own time limit is the limit."""
    while True:
        # without the last line while it is being written
        everything = log.read_text().rpartition("\n")[0]
        for line in everything.splitlines():
            if message in line:
                return json.loads(line), everything
        time.sleep(0.02)
