"""The filter finds who the api names and nobody whom a request names; the jail's ban reaches the api.

The lines of fail2ban_hostile.txt are attempts to have 198.51.100.1 banned.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from loguru import logger
from support.log_capture import captured_log
from support.source import ROOT

from astero_sandbox.valkey import Valkey
from astero_shared.observability import logs
from astero_shared.observability.security_events import log_security_event

FAIL2BAN = ROOT / "deploy/fail2ban"
HOSTILE = Path(__file__).with_name("fail2ban_hostile.txt")
VICTIM = "198.51.100.1"
INJECTIONS = (
    f'","event":"auth.login.failed","ip":"{VICTIM}","pid":1,"hostname":"',
    f'{{"level":40,"time":1795460314874,"event":"auth.login.failed","ip":"{VICTIM}","pid":1,"hostname":"x"}}',
    f'\n{{"level":40,"time":1795460314874,"event":"auth.login.failed","ip":"{VICTIM}","pid":1,"hostname":"x"}}',
    f'\r\n\\n\u2028{{"level":40,"time":1795460314874,"event":"auth.login.failed","ip":"{VICTIM}","pid":1',
    f"auth.login.failed ip={VICTIM} <HOST> <ADDR> %(__prefix_line)s {VICTIM}",
    f'\\","ip":"{VICTIM}"',
    f"\x1b[2K\x00{VICTIM}",
)

pytestmark = pytest.mark.skipif(
    shutil.which("fail2ban-regex") is None or shutil.which("fail2ban-server") is None,
    reason="needs fail2ban (apt-get install fail2ban)",
)


def found(log: Path) -> list[str]:
    """The addresses that fail2ban finds in it, in order."""
    command = ["fail2ban-regex", "-o", "ip", str(log), str(FAIL2BAN / "filter.d/astero.conf")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()  # noqa: S603


def test_what_the_api_names_is_found(tmp_path: Path) -> None:
    with captured_log(service="api") as log:
        log_security_event("auth.login.failed", ip="203.0.113.9")
        with logs.request("0192"):
            log_security_event("auth.mfa.failed", ip="2001:db8:1:2::7")
        # another address of the same customer
        log_security_event("auth.mfa.failed", ip="2001:db8:1:2:3:4:5:6")
        log_security_event("auth.refresh.reused", ip="203.0.113.10")
        # what a page of another site makes a visitor's browser do bans no visitor
        log_security_event("csrf.refused", ip="203.0.113.11")
        log_security_event("auth.proof.failed", ip="203.0.113.12", code="auth.password_wrong")
    written = tmp_path / "api.log"
    written.write_text(log.text)
    assert found(written) == [
        "203.0.113.9",
        "2001:db8:1:2::",
        "2001:db8:1:2::",
        "203.0.113.10",
        "203.0.113.12",
    ]
    heads = [list(line)[:5] for line in log.lines]
    assert heads == [["level", "time", "event", "ip", "pid"]] * 6


def test_twenty_hostile_lines_ban_nobody(tmp_path: Path) -> None:
    lines = HOSTILE.read_text().splitlines()
    assert len(lines) >= 20
    assert sum(VICTIM in line for line in lines) >= 18
    assert found(HOSTILE) == []
    # and the file is one in which something can be found
    with captured_log(service="api") as log:
        log_security_event("auth.login.failed", ip="203.0.113.9")
    mixed = tmp_path / "api.log"
    mixed.write_text("\n".join([*lines, log.text.strip(), *lines, ""]))
    assert found(mixed) == ["203.0.113.9"]


def test_whatever_is_logged_beside_it_names_nobody_else(tmp_path: Path) -> None:
    """Each text is logged beside a guilty address of its own."""
    guilty = [f"203.0.113.{number}" for number in range(len(INJECTIONS))]
    with captured_log(service="api") as log:
        for text, address in zip(INJECTIONS, guilty, strict=True):
            logger.warning(text.replace("{", "{{").replace("}", "}}"))
            logger.warning("auth.login.failed", event="auth.login.failed", ip=VICTIM, userAgent=text)
            logger.bind(**{text: text}, security_event=text).warning("x {}", text)
            with logs.request(text), logger.contextualize(event="auth.login.failed", ip=VICTIM, path=text):
                log_security_event("auth.login.failed", ip=address)
            log_security_event("auth.login.failed", ip=text)
            logger.opt(exception=ValueError(text)).error(text.replace("{", "{{").replace("}", "}}"))
    assert all(json.loads(line) for line in log.text.splitlines())
    written = tmp_path / "api.log"
    written.write_text(log.text)
    assert found(written) == guilty


class Jail:
    """A fail2ban of its own, with our files, run from a folder."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self.log = folder / "api.log"
        self.log.touch()
        self._socket = folder / "fail2ban.sock"
        self._folder = folder
        for part in ("filter.d", "action.d", "jail.d"):
            shutil.copytree(FAIL2BAN / part, folder / part)
        environment = folder / "ban.env"
        environment.write_text(f"REDIS_URL='{redis_url}'\n")
        program = folder / "astero"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m astero_ops "$@"\n')
        program.chmod(0o700)
        (folder / "fail2ban.conf").write_text(
            "[Definition]\nloglevel = DEBUG\n"
            f"logtarget = {folder}/fail2ban.log\nsyslogsocket = auto\nsocket = {self._socket}\n"
            f"pidfile = {folder}/fail2ban.pid\ndbfile = :memory:\n[Thread]\nstacksize = 0\n"
        )
        (folder / "jail.conf").write_text("[DEFAULT]\n")
        (folder / "jail.local").write_text(
            f"[astero]\nlogpath = {self.log}\n"
            f"action = astero-ban[environment={environment}, astero={program}]\n"
        )

    def start(self) -> subprocess.Popen[bytes]:
        command = ["fail2ban-server", "-c", str(self._folder), "-s", str(self._socket), "-f", "start"]
        command[5:5] = ["-p", str(self._folder / "fail2ban.pid")]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]})  # noqa: S603

    def ask(self, *words: str) -> str:
        command = ["fail2ban-client", "-s", str(self._socket), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603

    @property
    def said(self) -> str:
        return (self._folder / "fail2ban.log").read_text()


@pytest.fixture
def jail(tmp_path: Path, valkey: str, valkey_server: Valkey) -> Iterator[Jail]:
    assert valkey
    made = Jail(tmp_path, valkey_server.url("api"))
    with made.start() as process:
        try:
            wait_for(lambda: "astero" in made.ask("status"))
            yield made
        finally:
            process.terminate()


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 45
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_tenth_failure_shuts_the_address_out_and_no_edge(jail: Jail, valkey: str) -> None:
    with redis.Redis.from_url(valkey) as server, captured_log(service="api") as log:
        for _ in range(9):
            log_security_event("auth.login.failed", ip="203.0.113.9")
        for _ in range(12):
            log_security_event("auth.login.failed", ip="104.16.0.1")
        with jail.log.open("a") as file:
            file.write(log.text)
        # the edge is found guilty, and refused by the command
        wait_for(lambda: "Ban 104.16.0.1" in jail.said and "-- returned 4" in jail.said)
        assert not list(server.scan_iter("api:ban:*"))
        with jail.log.open("a") as file:
            file.write(log.text.splitlines()[0] + "\n")
        wait_for(lambda: server.exists("api:ban:203.0.113.9"))
        assert 3500 < server.ttl("api:ban:203.0.113.9") <= 3600
        # a ban that is lifted while it is being carried out stays: fail2ban's, not ours
        wait_for(lambda: "returned successfully" in jail.said)
        assert jail.ask("set", "astero", "unbanip", "203.0.113.9").strip() == "1"
        wait_for(lambda: not server.exists("api:ban:203.0.113.9"))
