"""What the bot engine reads from the environment. See load_or_exit for what a wrong value does."""

import ipaddress
from pathlib import Path

import msgspec

from astero_shared.crypto.keyring import Keyring
from astero_shared.observability.sentry import SentryDsn
from astero_shared.settings import DISCORD_API, DatabaseUrl, DiscordApiUrl, Secret, SecretRing

_HIGHEST_PORT = 65535


class PrivateAddress(msgspec.Struct, frozen=True):
    """Where the private listener waits: a loopback address, or a unix socket. Nothing else is private."""

    host: str = "127.0.0.1"
    port: int = 8081
    socket: Path | None = None

    @classmethod
    def parse(cls, text: str) -> "PrivateAddress":
        if text.startswith("unix:"):
            path = Path(text.removeprefix("unix:"))
            if not path.is_absolute():
                raise ValueError("the path of a unix socket must be absolute")
            return cls(socket=path)
        host, separator, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        try:
            loopback = ipaddress.ip_address(host).is_loopback
        except ValueError:
            loopback = False
        if not separator or not loopback:
            raise ValueError("is not a loopback address with a port, nor unix:/path")
        if not port.isascii() or not port.isdigit() or not 0 < int(port) <= _HIGHEST_PORT:
            raise ValueError("has no port between 1 and 65535")
        return cls(host=host, port=int(port))

    @property
    def url(self) -> str:
        if self.socket is not None:
            return f"unix:{self.socket}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One field per variable, in lower case."""

    database_url: DatabaseUrl
    encryption_key: Keyring
    bot_engine_secret: SecretRing
    discord_api_url: DiscordApiUrl = DISCORD_API
    discord_bot_token: Secret | None = None
    engine_bind: PrivateAddress = PrivateAddress()
    engine_url: str | None = None
    sentry_dsn: SentryDsn | None = None

    @property
    def url(self) -> str:
        """What the api calls."""
        return self.engine_url or self.engine_bind.url
