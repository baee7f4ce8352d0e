"""Whose address a request counts against, and which addresses are internal."""

import pytest

from astero_api.settings import Origin
from astero_api.web.client_ip import client_ip
from astero_api.web.edge import is_internal
from astero_shared.networks import Networks, bucket_of

TRUSTED = Networks.parse("10.0.0.0/8, 2001:db8:ffff::/48")


def asked(peer: str | None, *told: str) -> str:
    scope = {
        "client": None if peer is None else (peer, 1),
        "headers": [(b"cf-connecting-ip", value.encode("latin-1")) for value in told],
    }
    return client_ip(scope, TRUSTED)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("peer", "told", "address"),
    [
        ("10.1.2.3", ["203.0.113.9"], "203.0.113.9"),
        ("10.1.2.3", ["2001:DB8::0001"], "2001:db8::1"),
        ("10.1.2.3", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("10.1.2.3", [], "10.1.2.3"),
        ("10.1.2.3", ["garbage<script>"], "10.1.2.3"),
        ("10.1.2.3", ["203.0.113.9:55"], "10.1.2.3"),
        ("10.1.2.3", ["203.0.113.9, 1.1.1.1"], "10.1.2.3"),
        ("10.1.2.3", ["fe80::1%eth0"], "10.1.2.3"),
        ("10.1.2.3", ["203.0.113.9", "203.0.113.10"], "10.1.2.3"),
        ("10.1.2.3", ["203.0.113.9", "203.0.113.9"], "10.1.2.3"),
        ("10.1.2.3", [""], "10.1.2.3"),
        ("10.1.2.3", [" 203.0.113.9"], "10.1.2.3"),
        ("10.1.2.3", ["203.0.113.009"], "10.1.2.3"),
        ("10.1.2.3", ["0xcb007109"], "10.1.2.3"),
        ("10.1.2.3", ["3405803785"], "10.1.2.3"),
        ("10.1.2.3", ["203.0.113.9/32"], "10.1.2.3"),
        ("10.1.2.3", ["[2001:db8::1]"], "10.1.2.3"),
        ("10.1.2.3", ["203.0.113.\xb9"], "10.1.2.3"),
        ("10.1.2.3", ["203.0.113.9\x00"], "10.1.2.3"),
        ("10.1.2.3", ["1" * 70_000], "10.1.2.3"),
        ("198.51.100.1", ["203.0.113.9"], "198.51.100.1"),
        ("::ffff:10.1.2.3", ["203.0.113.9"], "203.0.113.9"),
        ("fe80::1%eth0", ["203.0.113.9"], "0.0.0.0"),  # noqa: S104
        ("garbage", ["203.0.113.9"], "0.0.0.0"),  # noqa: S104
        (None, ["203.0.113.9"], "203.0.113.9"),
        (None, [], "0.0.0.0"),  # noqa: S104
    ],
)
def test_only_our_edge_is_believed(peer: str | None, told: list[str], address: str) -> None:
    assert asked(peer, *told) == address


def test_one_ipv6_customer_is_one_bucket() -> None:
    assert bucket_of("2001:db8:1:2:3:4:5:6") == bucket_of("2001:db8:1:2::1") == "2001:db8:1:2::"
    assert bucket_of("2001:db8:1:3::1") != bucket_of("2001:db8:1:2::1")
    assert bucket_of("203.0.113.9") == "203.0.113.9"


@pytest.mark.parametrize("text", ["10.0.0.1/8", "x", "10.0.0.0/33", "1.2.3.4,,y"])
def test_a_list_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="addresses or prefixes"):
        Networks.parse(text)


@pytest.mark.parametrize(
    "text",
    ["", "astero.example", "ftp://x", "https://x/path", "https://u@x", "HTTPS://x", "https://X.example"],
)
def test_an_origin_is_what_browsers_send(text: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        Origin.parse(text)


def test_a_trailing_slash_is_forgiven() -> None:
    assert Origin.parse("https://astero.example/") == "https://astero.example"


@pytest.mark.parametrize(
    "path",
    [
        "/internal",
        "/internals",
        "/Internal/x",
        "//internal",
        "/a/../internal",
        "/%252e/internal",
        "/\\internal",
    ],
)
def test_internal_paths(path: str) -> None:
    assert is_internal(path)


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/internal", "/internal/../api", "/x;/internal", "/api/%2e"]
)
def test_other_paths(path: str) -> None:
    assert not is_internal(path)
