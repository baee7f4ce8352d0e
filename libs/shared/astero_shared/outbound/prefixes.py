"""Which addresses are public, by a table of our own: what is not plainly the internet's is refused.

Python's `is_global` says yes to multicast, NAT64, 6to4 and Azure's metadata service (measured on 3.11), so it
is not asked.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

from astero_shared.networks import Network

Address = IPv4Address | IPv6Address

# IANA's special-purpose registries (RFC 6890 and later) and what clouds answer on.
_REFUSED_V4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this host and this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carrier NAT; Alibaba's metadata at 100.100.100.200
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # Azure's metadata and DNS, in the middle of public space
            "169.254.0.0/16",  # link-local; the metadata service of most clouds
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments; Oracle's metadata at 192.0.0.192
            "192.0.2.0/24",  # documentation
            "192.31.196.0/24",  # AS112
            "192.52.193.0/24",  # AMT
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "192.175.48.0/24",  # AS112
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)

# All that IANA has given out for the internet. Outside of it lie ::, ::1, ::a.b.c.d, ::ffff:0:a.b.c.d, NAT64
# (64:ff9b::/96, 64:ff9b:1::/48), discard, SRv6 (5f00::), ULA, link-local, site-local (fec0::) and multicast.
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_REFUSED_V6: Final = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments: Teredo (holds an IPv4 address), ORCHID, AMT, AS112
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4: an IPv4 address with a prefix
            "2620:4f:8000::/48",  # AS112
            "3fff::/20",  # documentation
        ),
    )
)
# RFC 5214: the interface id 0000:5efe or 0200:5efe, under any prefix, is followed by an IPv4 address.
_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})
_SITE_V4: Final = 24
_SITE_V6: Final = 48


def unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv4-mapped one: it is what the kernel dials."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def is_public(address: Address, *, own: Iterable[Network] = ()) -> bool:
    """Whether a stranger's address may be dialled. `own` are public addresses that lead back to us."""
    address = unwrapped(address)
    if any(address in network for network in own):
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    if address.scope_id is not None or address not in _GLOBAL_UNICAST:
        return False
    if int(address) >> 32 & 0xFFFF_FFFF in _ISATAP:
        return False
    return not any(address in network for network in _REFUSED_V6)


def site_of(address: Address) -> Network:
    """The /24 of an IPv4 address, the /48 of an IPv6 one: what one organisation has."""
    address = unwrapped(address)
    if isinstance(address, IPv4Address):
        return IPv4Network((address, _SITE_V4), strict=False)
    return IPv6Network((address, _SITE_V6), strict=False)
