"""Which URLs strangers may have us call: https, a public DNS name, port 443 or 8443, and nothing clever.

Decided without asking any resolver, so every refusal takes the same time; and with one error for all of them,
so that it tells nothing about what is behind our walls.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Self

import idna

from astero_shared.errors import InvalidError
from astero_shared.outbound.prefixes import Address

MAX_URL: Final = 2048
PORTS: Final = frozenset({443, 8443})
# Nobody owns these names on the internet: RFC 6761, 6762, 7686, 8375, and what ICANN keeps for private use.
_PRIVATE_SUFFIXES: Final = (
    "local", "localhost", "localdomain", "internal", "intranet", "lan", "onion", "arpa",
)  # fmt: skip

# Neither userinfo, nor a backslash, nor a percent sign, nor a bracket can stand in the host, and no fragment
# behind it. What the host itself may be is IDNA's to say.
_URL: Final = re.compile(
    r"https://(?P<host>[^\x00-\x20\x7f/?#@\\:%\[\]]{1,1024})(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<rest>(?:[/?][!\"$-\[\]-~]*)?)"
)
# The last label of every real name; one of digits would make an address of the whole (0x7f.1, 2130706433).
_TOP: Final = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{1,59}")


class UrlForbiddenError(InvalidError):
    """The one refusal of a URL."""

    default_code = "webhooks.url_forbidden"

    def __init__(self) -> None:
        super().__init__(pointer="/url")


@dataclass(frozen=True, slots=True)
class Allowance:
    """Places on this machine that tests and `just up` may call: addresses with ports. Not in production."""

    places: frozenset[tuple[str, int]] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Self:
        """`127.0.0.1:PORT`, several by commas. Raises ValueError for any other address than loopback."""
        places: set[tuple[str, int]] = set()
        for part in text.split(","):
            host, _, port = part.strip().rpartition(":")
            if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65_535):  # noqa: PLR2004
                raise ValueError("is not a list of 127.0.0.1:PORT")
            try:
                address = ip_address(host.removeprefix("[").removesuffix("]"))
            except ValueError:
                raise ValueError("is not a list of 127.0.0.1:PORT") from None
            if not address.is_loopback:
                raise ValueError("allows loopback addresses only")
            places.add((str(address), int(port)))
        return cls(frozenset(places))

    def __bool__(self) -> bool:
        return bool(self.places)

    def has(self, address: Address, port: int) -> bool:
        return (str(address), port) in self.places

    def has_port(self, port: int) -> bool:
        return any(allowed == port for _, allowed in self.places)


NOWHERE: Final = Allowance()


@dataclass(frozen=True, slots=True)
class Destination:
    """`url` is what is stored and called: lower-case ASCII host, no default port."""

    url: str
    host: str
    port: int


def check_url(text: str, allowance: Allowance = NOWHERE) -> Destination:
    """Raises UrlForbiddenError, the same for every reason."""
    match = _URL.fullmatch(text) if len(text) <= MAX_URL else None
    if match is None:
        raise UrlForbiddenError
    port = int(match["port"] or 443)
    host = _literal(match["host"], port, allowance) or _name(match["host"])
    if port not in PORTS and not allowance.has_port(port):
        raise UrlForbiddenError
    rest = match["rest"] if match["rest"].startswith("/") else f"/{match['rest']}"
    url = f"https://{host}{'' if port == 443 else f':{port}'}{rest}"  # noqa: PLR2004 - the default of https
    if len(url) > MAX_URL:
        raise UrlForbiddenError
    return Destination(url, host, port)


def _literal(host: str, port: int, allowance: Allowance) -> str | None:
    """An address as such, where the allowance names exactly this one."""
    return host if (host, port) in allowance.places else None


def _name(host: str) -> str:
    """A public DNS name as A-labels. Mapping (UTS 46) is off: it would turn ① into 1 and 。 into a dot."""
    try:
        name = idna.encode(host.lower() if host.isascii() else host, strict=True, std3_rules=True).decode()
    except idna.IDNAError:
        raise UrlForbiddenError from None
    labels = name.split(".")
    top = labels[-1]
    if len(labels) < 2 or _TOP.fullmatch(top) is None or top in _PRIVATE_SUFFIXES:  # noqa: PLR2004 - a dot
        raise UrlForbiddenError
    return name
