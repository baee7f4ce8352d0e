"""The sandbox mail server as a process of its own, and what arrived there."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from astero_sandbox.mail.certificate import authority_of, ensure_certificate
from astero_sandbox.mail.smtp import USER

MAIL_PASSWORD = "s/p@ce :of mail"
MAIL_FROM = "Astero <mail@astero.test>"
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class MailSandbox:
    """One server: `tls` and `starttls` are its ports, `url` its page."""

    url: str
    tls: int
    starttls: int
    authority: Path
    http: httpx.Client

    @property
    def smtp_url(self) -> str:
        return f"smtps://{USER}:{quote(MAIL_PASSWORD, safe='')}@127.0.0.1:{self.tls}"

    @property
    def starttls_url(self) -> str:
        return f"smtp+starttls://{USER}:{quote(MAIL_PASSWORD, safe='')}@localhost:{self.starttls}"

    @property
    def environment(self) -> dict[str, str]:
        return {"SMTP_URL": self.smtp_url, "SMTP_CA_FILE": str(self.authority), "MAIL_FROM": MAIL_FROM}

    def messages(self, to: str | None = None) -> list[dict[str, Any]]:
        """Newest first."""
        params = {} if to is None else {"to": to}
        answer = self.http.get("/sandbox/messages", params=params)
        return answer.raise_for_status().json()

    def raw(self, message_id: str) -> str:
        """As it came over the wire."""
        return self.http.get(f"/sandbox/messages/{message_id}/raw").text

    def clear(self) -> None:
        """Empty, and without faults."""
        for what in ("faults", "messages"):
            self.http.delete(f"/sandbox/{what}").raise_for_status()

    def fault(self, **what: Any) -> None:
        self.http.post("/sandbox/faults", json=what).raise_for_status()

    def wait_for(self, wanted: Callable[[list[dict[str, Any]]], bool], to: str | None = None) -> Any:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not wanted(found := self.messages(to)):
            assert time.monotonic() < deadline, f"waited in vain; last seen {found}"
            time.sleep(0.05)
        return found


@contextmanager
def running_mail(folder: Path) -> Generator[MailSandbox]:
    certificate = ensure_certificate(folder)
    ports = ("--port", "0", "--smtp-port", "0", "--starttls-port", "0")
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "astero_sandbox.mail", *ports, "--certificate", str(certificate)],
        env={"PATH": os.environ["PATH"], "ASTERO_SANDBOX_MAIL_PASSWORD": MAIL_PASSWORD},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            words = process.stdout.readline().split()
            with httpx.Client(base_url=words[2], trust_env=False, timeout=30) as http:
                yield MailSandbox(words[2], int(words[4]), int(words[5]), authority_of(folder), http)
        finally:
            process.terminate()


def link_of(message: dict[str, Any]) -> str:
    """The one link with a token."""
    (link,) = {link for link in message["links"] if "#" in link}
    return link


def token_of(message: dict[str, Any]) -> str:
    return link_of(message).partition("#")[2]
