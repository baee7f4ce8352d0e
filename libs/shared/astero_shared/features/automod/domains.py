"""Host names as the allow-list compares them: lower case, IDNA, without port or trailing dot."""

import re
from urllib.parse import urlsplit

import idna

_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})")
_MAX_HOST = 253


def normalise_domain(given: str) -> str | None:
    """The host name in what a person typed or pasted (`Example.com`, `https://www.example.com/a`), or None.

    A leading `www.` and `*.` are dropped: an allowed domain covers its subdomains. With a name before an @
    it is an e-mail address, and nobody who types one means to allow all of its host.
    """
    text = given.strip().lower().removeprefix("*.")
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        host = parts.hostname
    except ValueError:  # a broken IPv6 literal
        return None
    if "@" in parts.netloc:
        return None
    ascii_host = host_to_ascii(host or "")
    return ascii_host.removeprefix("www.") or None if ascii_host else None


def host_to_ascii(host: str) -> str | None:
    """The A-label form by UTS 46, as a browser would look it up; None for what is no public host name."""
    host = host.rstrip(".")
    if not host or len(host) > _MAX_HOST:
        return None
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return None
    return host if _HOST.fullmatch(host) else None


def is_allowed(host: str, allowed: frozenset[str]) -> bool:
    """Whether the host or a parent domain of it is in the list; `host` as `host_to_ascii` gives it."""
    while True:
        if host in allowed:
            return True
        _, dot, host = host.partition(".")
        if not dot:
            return False
