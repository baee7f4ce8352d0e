"""Which addresses may be shut out, and under which names Redis knows them. Pure.

Refused: more than an IPv4 /24 or an IPv6 /64, and whatever overlaps our own networks or the edge's, behind
which everybody stands.
"""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from astero_shared.networks import Network

PREFIX: Final = "api:ban:"
_WIDEST_V4: Final = 24
_WIDEST_V6: Final = 64
_MAPPED: Final = IPv6Network("::ffff:0:0/96")

# Never a client of ours: loopback, link-local, private (RFC 1918, 4193) and shared (RFC 6598) networks, and
# the unspecified address, which stands for a peer without one.
_OWN: Final = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::/127",
        "fc00::/7",
        "fe80::/10",
    )
)
# https://www.cloudflare.com/ips-v4 and ips-v6, unchanged since 2023
_EDGE: Final = tuple(
    ip_network(text)
    for text in (
        "103.21.244.0/22",
        "103.22.200.0/22",
        "103.31.4.0/22",
        "104.16.0.0/13",
        "104.24.0.0/14",
        "108.162.192.0/18",
        "131.0.72.0/22",
        "141.101.64.0/18",
        "162.158.0.0/15",
        "172.64.0.0/13",
        "173.245.48.0/20",
        "188.114.96.0/20",
        "190.93.240.0/20",
        "197.234.240.0/22",
        "198.41.128.0/17",
        "2400:cb00::/32",
        "2405:8100::/32",
        "2405:b500::/32",
        "2606:4700::/32",
        "2803:f800::/32",
        "2a06:98c0::/29",
        "2c0f:f248::/32",
    )
)


class BanRefusedError(ValueError):
    """What must not be shut out; the message says why."""


def network_of(text: str) -> Network:
    """What a ban of `text` shuts out: an IPv4 address or prefix, or the /64 an IPv6 address lies in.

    One customer owns all of a /64, so a ban of less would be left by counting up. Raises ValueError for what
    is no address, BanRefusedError for what is too wide.
    """
    network = ip_network(text.strip())
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        mapped = network.network_address.ipv4_mapped
        network = IPv4Network((int(mapped or 0), network.prefixlen - _MAPPED.prefixlen))
    if isinstance(network, IPv6Network):
        if network.prefixlen < _WIDEST_V6:
            raise BanRefusedError(f"{network} is wider than a /{_WIDEST_V6}")
        network = network.supernet(new_prefix=_WIDEST_V6)
    elif network.prefixlen < _WIDEST_V4:
        raise BanRefusedError(f"{network} is wider than a /{_WIDEST_V4}")
    return network


def network_to_ban(text: str, *, never: Iterable[Network] = ()) -> Network:
    """As network_of, and refuses what may never be banned; `never` are the operator's own networks."""
    network = network_of(text)
    for name, ranges in (("our own", _OWN), ("the edge's", _EDGE), ("our own", tuple(never))):
        if any(network.version == other.version and network.overlaps(other) for other in ranges):
            raise BanRefusedError(f"{network} lies in {name} networks")
    return network


def keys_of_ban(network: Network) -> tuple[str, ...]:
    """Where a ban of `network` is written: a prefix narrower than a /24 is written address by address."""
    if isinstance(network, IPv6Network) or network.prefixlen == _WIDEST_V4:
        return (f"{PREFIX}{network}",)
    return tuple(f"{PREFIX}{address}" for address in network)


def keys_of_client(bucket: str) -> tuple[str, ...]:
    """Where a ban of this client would be written. `bucket` is an IPv4 address, or the first one of a /64."""
    if ":" in bucket:
        return (f"{PREFIX}{bucket}/{_WIDEST_V6}",)
    return (f"{PREFIX}{bucket}", f"{PREFIX}{bucket.rpartition('.')[0]}.0/{_WIDEST_V4}")
