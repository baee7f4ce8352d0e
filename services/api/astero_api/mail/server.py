"""SMTP_URL: which server takes our mail, and that nothing reaches it in plain text."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal, Self
from urllib.parse import SplitResult, unquote, urlsplit

from astero_shared.settings import Secret

Encryption = Literal["tls", "starttls", "none"]

_SCHEMES: Final[dict[str, tuple[Encryption, int]]] = {
    "smtps": ("tls", 465),
    "smtp+starttls": ("starttls", 587),
    "smtp": ("none", 25),
}
_HOST: Final = re.compile(r"[a-z0-9.:_-]+")


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where to connect and as whom; without `user` nobody logs in."""

    encryption: Encryption
    host: str
    port: int
    user: str | None
    password: Secret | None


class SmtpUrl(Secret):
    """`smtps://user:password@host:465` or `smtp+starttls://…:587`, percent-encoded where needed.

    `smtp://` sends without encryption and is taken for a loopback address alone.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        _read(text)
        return cls(text)

    @property
    def server(self) -> SmtpServer:
        return _read(self.reveal())


def _read(text: str) -> SmtpServer:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("is not an address such as smtps://user:password@host:465") from None
    host = parts.hostname or ""
    if parts.scheme not in _SCHEMES or not _HOST.fullmatch(host) or parts.path.strip("/") or _has_more(parts):
        raise ValueError("is not an address such as smtps://user:password@host:465")
    encryption, usual = _SCHEMES[parts.scheme]
    if encryption == "none" and not _is_loopback(host):
        raise ValueError("may send without TLS to a loopback address only: use smtps:// or smtp+starttls://")
    if (parts.username is None) != (parts.password is None):
        raise ValueError("needs a user and a password, or neither")
    return SmtpServer(
        encryption=encryption,
        host=host,
        port=port or usual,
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else Secret(unquote(parts.password)),
    )


def _has_more(parts: SplitResult) -> bool:
    return bool(parts.query or parts.fragment)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
