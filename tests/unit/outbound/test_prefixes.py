"""The table of addresses: everything that is not plainly the internet's is refused, in every wrapping."""

from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astero_shared.networks import Networks
from astero_shared.outbound.prefixes import is_public, site_of

# The first lines are those that Python's is_global calls public (measured on 3.11.7).
_REFUSED = """
224.0.0.0/4 ff02::/16 64:ff9b::7f00:1 64:ff9b:1::/48 2002:7f00:1:: ::127.0.0.1 fec0::/10 3fff::/20 5f00::/16
192.0.0.8 192.88.99.1 168.63.129.16
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24
203.0.113.0/24 240.0.0.0/4 255.255.255.255 169.254.169.254 100.100.100.200 192.0.0.192
:: ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.0/104 ::ffff:169.254.169.254 ::ffff:0:0:0/96 ::/96 100::/64
100:0:0:1::/64 64:ff9b::/96 2001::/23 2001::/32 2001:10::/28 2001:20::/28 2001:2::/48 2001:db8::/32 2002::/16
2620:4f:8000::/48 fc00::/7 fd00:ec2::254 fe80::/10 fe80::1%1 ff00::/8
2a00:1450::5efe:7f00:1 2a00:1450::200:5efe:0a00:1
"""
_PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255
169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
223.255.255.255 168.63.129.15 168.63.129.17 2001:200:: 2001:4860:4860::8888 2606:4700:4700::1111
2a00:1450:4001:80b::200e ::ffff:8.8.8.8
"""
REFUSED, PUBLIC = _REFUSED.split(), _PUBLIC.split()
REFUSED_NETWORKS = [ip_network(text) for text in REFUSED if "%" not in text]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_the_internets_is_refused(text: str) -> None:
    if "/" not in text:
        assert not is_public(ip_address(text))
        return
    network = ip_network(text)
    assert not is_public(network[0])
    assert not is_public(network[-1])


@pytest.mark.parametrize("text", PUBLIC)
def test_the_neighbours_of_what_is_refused_are_not(text: str) -> None:
    assert is_public(ip_address(text))


@given(st.sampled_from(REFUSED_NETWORKS), st.integers(min_value=0))
def test_no_address_inside_is_public_mapped_or_not(network: IPv4Network | IPv6Network, number: int) -> None:
    address = network[number % network.num_addresses]
    assert not is_public(address)
    if address.version == 4:
        assert not is_public(IPv6Address(f"::ffff:{address}"))
        assert not is_public(IPv6Address(f"64:ff9b::{address}"))
        assert not is_public(IPv6Address(f"::{address}"))


@given(st.integers(min_value=0, max_value=2**128 - 1))
def test_only_what_was_given_out_is_public(number: int) -> None:
    address = IPv6Address(number)
    if is_public(address):
        assert address in IPv6Network("2000::/3") or address.ipv4_mapped


def test_our_own_public_addresses_are_not_strangers() -> None:
    own = Networks.parse("198.41.0.4, 2606:4700::/32")
    assert is_public(ip_address("198.41.0.4"))
    assert not is_public(ip_address("198.41.0.4"), own=own)
    assert not is_public(ip_address("::ffff:198.41.0.4"), own=own)
    assert not is_public(ip_address("2606:4700:4700::1111"), own=own)
    assert is_public(ip_address("198.41.0.5"), own=own)


def test_one_site_is_a_24_or_a_48() -> None:
    assert (
        site_of(ip_address("8.8.8.8")) == site_of(ip_address("::ffff:8.8.8.200")) == ip_network("8.8.8.0/24")
    )
    assert site_of(ip_address("2606:4700:4700::1")) == ip_network("2606:4700:4700::/48")
