"""What may be shut out, and that a ban is looked up where it was written."""

from ipaddress import ip_network

import pytest

from astero_shared.features.bans.rules import (
    BanRefusedError,
    keys_of_ban,
    keys_of_client,
    network_to_ban,
)
from astero_shared.networks import bucket_of


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("203.0.113.9", "203.0.113.9/32"),
        ("203.0.113.0/24", "203.0.113.0/24"),
        ("203.0.113.8/30", "203.0.113.8/30"),
        ("::ffff:203.0.113.9", "203.0.113.9/32"),
        ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:DB8:0:1::/64", "2001:db8:0:1::/64"),
        (" 203.0.113.9 ", "203.0.113.9/32"),
    ],
)
def test_what_a_ban_shuts_out(text: str, network: str) -> None:
    assert str(network_to_ban(text)) == network


@pytest.mark.parametrize(
    "text",
    [
        "203.0.112.0/23",
        "0.0.0.0/0",
        "2001:db8::/63",
        "::/0",
        "::ffff:0:0/96",
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.9",
        "192.168.1.0/24",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.0",  # noqa: S104
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "fd00::1",
        "fe80::1",
        "104.16.1.1",
        "172.71.0.0/24",
        "2606:4700::1111",
        "2a06:98c7::1",
        "198.51.100.77",
        "198.51.100.0/24",
        "2001:db8:5::9",
    ],
)
def test_what_can_never_be_banned(text: str) -> None:
    never = (ip_network("198.51.100.64/26"), ip_network("2001:db8:5::/48"))
    with pytest.raises(BanRefusedError):
        network_to_ban(text, never=never)


@pytest.mark.parametrize("text", ["", "x", "203.0.113.9/24", "203.0.113.9:80", "1.2.3", "203.0.113.9 or 1=1"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"does not appear|has host bits|Expected") as caught:
        network_to_ban(text)
    assert not isinstance(caught.value, BanRefusedError)


@pytest.mark.parametrize(
    ("banned", "inside", "outside"),
    [
        ("203.0.113.9", ["203.0.113.9"], ["203.0.113.8", "203.0.113.90", "203.0.11.39"]),
        ("203.0.113.0/24", ["203.0.113.0", "203.0.113.255"], ["203.0.112.255", "203.0.114.0"]),
        ("203.0.113.8/30", ["203.0.113.8", "203.0.113.11"], ["203.0.113.7", "203.0.113.12"]),
        ("2001:db8::1", ["2001:db8::1", "2001:db8:0:0:ffff::9"], ["2001:db8:0:1::1"]),
    ],
)
def test_a_ban_is_looked_up_where_it_was_written(banned: str, inside: list[str], outside: list[str]) -> None:
    written = set(keys_of_ban(network_to_ban(banned)))
    assert all(written & set(keys_of_client(bucket_of(address))) for address in inside)
    assert not any(written & set(keys_of_client(bucket_of(address))) for address in outside)
