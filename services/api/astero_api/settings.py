"""What the api and the worker read from the environment. See load_or_exit for what a wrong value does."""

import ssl
from ipaddress import ip_address
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from astero_api.mail.addresses import Mailbox
from astero_api.mail.server import SmtpUrl
from astero_api.web.limits import MAY_BE_IN_SHADOW, Tiers
from astero_shared.crypto.keyring import Keyring
from astero_shared.networks import Networks
from astero_shared.observability.sentry import SentryDsn
from astero_shared.outbound.urls import NOWHERE, Allowance
from astero_shared.settings import (
    DISCORD_API,
    ConfigurationError,
    DatabaseUrl,
    DiscordApiUrl,
    RedisUrl,
    Secret,
    SecretRing,
)

_FEWEST: Final = 2 * Tiers().address.quota
_MOST_DIGITS: Final = 9


class Origin(str):
    """scheme://host[:port] of the dashboard, exactly as browsers write it."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Origin":
        parts = urlsplit(text)
        plain = f"{parts.scheme}://{parts.netloc}"
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise ValueError("is not an origin such as https://astero.example")
        if text.rstrip("/") != plain or plain != plain.lower():
            raise ValueError("is not an origin in lower case without a path")
        return cls(plain)


class HostAddress(str):
    """Where to listen: an address, since a name may lead to several."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "HostAddress":
        try:
            return cls(ip_address(text))
        except ValueError:
            raise ValueError("is not an IP address") from None


class CertificateFile(str):
    """A file of certificate authorities."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "CertificateFile":
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(text)
        except OSError:
            raise ValueError("is not a file of certificates that this process can read") from None
        return cls(text)


class PerMinute(int):
    """How many requests; what one address may send has to fit in more than once."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "PerMinute":
        if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and int(text) >= _FEWEST):
            raise ValueError(f"is not a whole number of at least {_FEWEST}")
        return cls(text)


class TiersInShadow(frozenset[str]):
    """Names of limits, by commas."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "TiersInShadow":
        found = cls(part.strip() for part in text.split(",") if part.strip())
        if not found <= MAY_BE_IN_SHADOW:
            raise ValueError(f"may name {', '.join(sorted(MAY_BE_IN_SHADOW))}, and no others")
        return found


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One field per variable, in lower case."""

    database_url: DatabaseUrl
    redis_url: RedisUrl
    encryption_key: Keyring
    jwt_secret: SecretRing
    bot_engine_secret: SecretRing
    password_pepper: Keyring
    public_url: Origin
    astero_env: Literal["production", "development", "test"] = "production"
    discord_api_url: DiscordApiUrl = DISCORD_API
    api_host: HostAddress = HostAddress("127.0.0.1")
    api_port: Annotated[int, Meta(ge=1, le=65_535, description="a port from 1 to 65535")] = 8000
    api_workers: Annotated[int, Meta(ge=1, le=64, description="a whole number from 1 to 64")] = 1
    trusted_proxies: Networks = Networks()
    hsts_preload: bool = True
    rate_limit_global_per_minute: PerMinute = PerMinute(6000)
    rate_limit_shadow: TiersInShadow = TiersInShadow()
    own_addresses: Networks = Networks()
    astero_ssrf_test_allow: Allowance = NOWHERE
    discord_client_id: str | None = None
    discord_client_secret: Secret | None = None
    smtp_url: SmtpUrl | None = None
    smtp_ca_file: CertificateFile | None = None
    mail_from: Mailbox | None = None
    sentry_dsn: SentryDsn | None = None

    def __post_init__(self) -> None:
        """Raises ConfigurationError: without mail nobody who forgot a password gets in again, and what tests
        may call is none of a stranger's business.
        """
        if self.astero_ssrf_test_allow and self.astero_env == "production":
            raise ConfigurationError("ASTERO_SSRF_TEST_ALLOW", "is for ASTERO_ENV=test and development alone")
        if (self.discord_client_id is None) != (self.discord_client_secret is None):
            missing = "DISCORD_CLIENT_ID" if self.discord_client_id is None else "DISCORD_CLIENT_SECRET"
            raise ConfigurationError(missing, "is required: signing in with Discord needs both")
        if (self.smtp_url is None) != (self.mail_from is None) or (
            self.smtp_url is None and self.astero_env == "production"
        ):
            missing = "SMTP_URL" if self.smtp_url is None else "MAIL_FROM"
            raise ConfigurationError(missing, "is required: mail needs a server and a sender")
