"""Who the client is, by address: the TCP peer, or what Cloudflare says when the peer is our edge.

Every other forwarding header is ignored; a header that is not one address counts as absent.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from litestar.types import Scope

from astero_api.web.context import header
from astero_shared.networks import Network

_UNKNOWN = "0.0.0.0"  # noqa: S104 - no peer: a unix socket; all of them share one bucket


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        return address.ipv4_mapped or address
    return address


def client_ip(scope: Scope, trusted: Sequence[Network]) -> str:
    """The canonical text of the client's address."""
    client = scope.get("client")
    peer = _parse(client[0]) if client else None
    # a peer without an address is a unix socket; one whose address we cannot read is nobody we trust
    if trusted and (any(peer in network for network in trusted) if peer else not client):
        told = header(scope, b"cf-connecting-ip")
        address = _parse(told.decode("latin-1")) if told is not None else None
        if address is not None:
            return str(address)
    return str(peer) if peer is not None else _UNKNOWN
