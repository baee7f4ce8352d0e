"""What one run starts itself and what the environment replaces."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from astero_sandbox.ports import DEFAULT_BASE, HIGHEST_OFFSET, Ports

REAL_DISCORD = "https://discord.com/api/v10"
_HIGHEST_PORT = 65_535
_LOWEST_PORT = 1024
# What a program needs from its surroundings to reach the world; everything else stays out.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "HTTPS_PROXY", "HTTP_PROXY")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
# Settings of the api that `just up` hands on as they are.
_OF_THE_API = (
    *("DISCORD_CLIENT_ID", "DISCORD_CLIENT_SECRET", "SMTP_URL", "SMTP_CA_FILE", "MAIL_FROM"),
    *("ASTERO_SSRF_TEST_ALLOW", "OWN_ADDRESSES"),
)


class PlanRefusedError(Exception):
    """A variable of `just up` itself is wrong; the message names it and what it may be."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A URL that is set means: not ours, use it, start nothing for it. `database_url` is an administrator's.

    `discord_options` are more arguments for the sandbox Discord.
    By a service's name, `commands` replaces what it runs and `overrides` sets more of its environment.
    """

    home: Path
    ports: Ports
    durable: bool = True
    database_url: str | None = None
    redis_url: str | None = None
    discord_api_url: str | None = None
    discord_bot_token: str | None = None
    smtp_url: str | None = None
    sentry_dsn: str | None = None
    inherited: Mapping[str, str] = field(default_factory=dict[str, str])
    overrides: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    discord_options: tuple[str, ...] = ()
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], folder: Path) -> Self:
        """`folder` holds `.astero/` unless ASTERO_HOME says otherwise. Raises PlanRefusedError."""
        token = environ.get("DISCORD_BOT_TOKEN") or None
        of_the_api = {name: environ[name] for name in _OF_THE_API if environ.get(name)}
        discord = environ.get("DISCORD_API_URL") or (REAL_DISCORD if token else None)
        return cls(
            home=Path(environ.get("ASTERO_HOME") or folder / ".astero"),
            ports=Ports.from_base(_port_base(environ)),
            database_url=environ.get("DATABASE_URL") or None,
            redis_url=environ.get("REDIS_URL") or None,
            discord_api_url=discord,
            discord_bot_token=token,
            smtp_url=environ.get("SMTP_URL") or None,
            sentry_dsn=environ.get("SENTRY_DSN") or None,
            inherited=surroundings(environ),
            overrides={"api": of_the_api, "worker": of_the_api},
        )

    @property
    def has_sandbox_discord(self) -> bool:
        return self.discord_api_url is None

    @property
    def has_sandbox_mail(self) -> bool:
        return self.smtp_url is None

    @property
    def has_sandbox_sentry(self) -> bool:
        return self.sentry_dsn is None

    def ports_to_open(self) -> dict[str, int]:
        """What for → port, of everything this run listens on."""
        wanted = {"api": self.ports.api, "bot engine": self.ports.engine}
        if self.has_sandbox_discord:
            wanted["sandbox Discord"] = self.ports.discord
        if self.has_sandbox_mail:
            wanted |= {"sandbox mail": self.ports.mail, "sandbox SMTP": self.ports.smtp}
        if self.has_sandbox_sentry:
            wanted["sandbox Sentry"] = self.ports.sentry
        wanted |= {"webhooks page": self.ports.webhooks, "consumer of webhooks": self.ports.webhooks_tls}
        if self.database_url is None:
            wanted["PostgreSQL"] = self.ports.postgres
        if self.redis_url is None:
            wanted["Valkey"] = self.ports.redis
        return wanted


def surroundings(environ: Mapping[str, str]) -> dict[str, str]:
    names = (*_INHERITED, *_CERTIFICATES)
    kept = {name: environ[name] for name in names if environ.get(name)}
    kept.setdefault("PATH", os.defpath)
    # A proxy is for the outside; the parts talk to each other directly.
    kept["NO_PROXY"] = ",".join(filter(None, [environ.get("NO_PROXY"), "127.0.0.1,localhost"]))
    return kept


def _port_base(environ: Mapping[str, str]) -> int:
    text = environ.get("ASTERO_PORT_BASE") or str(DEFAULT_BASE)
    highest = _HIGHEST_PORT - HIGHEST_OFFSET
    if not text.isascii() or not text.isdigit() or not _LOWEST_PORT <= int(text) <= highest:
        raise PlanRefusedError(f"ASTERO_PORT_BASE: a number from {_LOWEST_PORT} to {highest}")
    return int(text)
