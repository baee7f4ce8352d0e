"""Addresses as we count them, and lists of prefixes as an operator writes them into a variable."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Self

Network = IPv4Network | IPv6Network


def bucket_of(address: str) -> str:
    """What is counted and shut out as one: an IPv4 address, or the first of the /64 an IPv6 one lies in.

    One customer owns all of a /64. Raises ValueError.
    """
    if ":" not in address:
        return address
    return str(IPv6Network((address, 64), strict=False).network_address)


class Networks(tuple[Network, ...]):
    """A settings type: addresses or prefixes, by commas."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError, also for a prefix with bits set beyond it: one of the two is a slip."""
        try:
            return cls(ip_network(part.strip()) for part in text.split(",") if part.strip())
        except ValueError:
            raise ValueError("is not a list of addresses or prefixes") from None
