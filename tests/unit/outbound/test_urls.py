"""What a stranger may ask us to call, decided from the text alone and refused with one sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astero_shared.outbound.urls import MAX_URL, Allowance, UrlForbiddenError, check_url

_LONG = "https://example.com/" + "a" * (MAX_URL - 20)

REFUSED = [
    "", " ", "example.com", "//example.com/", "http://example.com/", "ftp://example.com/",
    "HTTPS:example.com",
    # addresses, in every notation
    "https://127.0.0.1/", "https://127.1/", "https://0x7f.1/", "https://0x7f000001/", "https://2130706433/",
    "https://0177.0.0.1/", "https://0/", "https://①②⑦.0.0.1/", "https://１２７.0.0.1/", "https://127。0。0。1/",
    "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://169.254.169.254/latest/meta-data",
    "https://8.8.8.8/", "https://8.8.8.8.0x/", "https://127.0.0.1\0.evil.com/", "https://1.2.3.4.5/",
    # names of nobody on the internet
    "https://localhost/", "https://api/", "https://foo.local/", "https://db.internal/", "https://x.localhost/",
    "https://abc.onion/", "https://router.lan/", "https://1.0.0.127.in-addr.arpa/", "https://x.localdomain/",
    "https://x.LOCAL/", "https://x.internal./", "https://example.com./",
    # two readings of one text
    "https://evil.com\\@127.0.0.1/", "https://evil.com@127.0.0.1/", "https://user:pass@example.com/",
    "https://user@example.com/", "https://@example.com/", "https://example.com#@127.0.0.1/",
    "https://example.com/#x", "https://exa%6dple.com/", "https://127%2e0.0.1/", "https://example.com\t/",
    "https://exa mple.com/", "https://example.com/\r\nHost: x", "https://example.com/\n", "\thttps://example.com/",
    "https://example.com /", "https://example.com/a b", "https://example.com/é", "https://example.com/\x7f",
    # names that are none
    "https://", "https:///x", "https://.com/", "https://a..com/", "https://-a.com/", "https://a_b.com/",
    "https://a.com,b.com/", "https://xn--a.com/", "https://\u2028.com/", "https://ex\u00adample.com/",
    f"https://{'a' * 64}.com/", f"https://{'a.' * 130}com/", "https://example.c/", "https://ab--cd.com\u200b/",
    # ports
    "https://example.com:80/", "https://example.com:22/", "https://example.com:65536/", "https://example.com:0/",
    "https://example.com:0443/", "https://example.com:/", "https://example.com:+443/", "https://example.com:443x/",
    "https://example.com:４４３/", "https://example.com:8443:443/",
    _LONG + "a", f"https://{'b' * 3000}.com/",
]  # fmt: skip

TAKEN = {
    "https://example.com": "https://example.com/",
    "https://Example.COM:443/Path?q=1&r=%20": "https://example.com/Path?q=1&r=%20",
    "https://hooks.example.com:8443/x": "https://hooks.example.com:8443/x",
    "https://example.com?x=/": "https://example.com/?x=/",
    "https://bücher.de/ü".replace("/ü", "/u"): "https://xn--bcher-kva.de/u",
    "https://faß.de/": "https://xn--fa-hia.de/",
    "https://1.com/": "https://1.com/",
    "https://3com.com/": "https://3com.com/",
    "https://example.xn--p1ai/": "https://example.xn--p1ai/",
    _LONG: _LONG,
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused_with_one_sentence(text: str) -> None:
    with pytest.raises(UrlForbiddenError) as refusal:
        check_url(text)
    refused = refusal.value
    assert (refused.code, refused.pointer) == ("webhooks.url_forbidden", "/url")
    assert (refused.sentence, refused.params) == ("webhooks.url_forbidden", {})


@pytest.mark.parametrize(("text", "stored"), TAKEN.items())
def test_taken_in_one_spelling(text: str, stored: str) -> None:
    assert check_url(text).url == stored
    assert check_url(stored).url == stored


@given(st.text(max_size=80) | st.from_regex(r"https://[!-~]{1,60}", fullmatch=True))
def test_any_text_is_refused_or_taken_to_a_name(text: str) -> None:
    try:
        found = check_url(text)
    except UrlForbiddenError:
        return
    assert found.port in {443, 8443}
    assert found.url.isascii()
    labels = found.host.split(".")
    assert len(labels) > 1
    assert not labels[-1].isdigit()


def test_the_allowance_lets_exactly_its_place_through() -> None:
    allowance = Allowance.parse("127.0.0.1:40001, [::1]:40002")
    assert check_url("https://127.0.0.1:40001/x", allowance).url == "https://127.0.0.1:40001/x"
    assert check_url("https://hooks.example.com:40001/x", allowance).port == 40001
    for text in (
        "https://127.0.0.1:40003/",
        "https://127.0.0.1/",
        "https://127.0.0.2:40001/",
        "https://127.1:40001/",
        "https://2130706433:40001/",
        "https://localhost:40001/",
        "http://127.0.0.1:40001/",
    ):
        with pytest.raises(UrlForbiddenError):
            check_url(text, allowance)


@pytest.mark.parametrize(
    "text",
    ["127.0.0.1", "10.0.0.1:443", "8.8.8.8:443", "localhost:443", "127.0.0.1:0", "[::1]", ":1"],
)
def test_an_allowance_of_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"loopback|127\.0\.0\.1:PORT"):
        Allowance.parse(text)
