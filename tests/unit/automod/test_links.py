"""Links are what a browser would follow; the allow-list compares what it would open."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.automod import INVISIBLE, compiled_with, in_disguise, verdict

from astero_shared.features.automod.config import AutomodConfig, InvitesRule, LinksRule
from astero_shared.features.automod.rules import Rule, compile_config

ALLOWED = ("good.example", "münchen.de", "xn--strae-oqa.de", "discord.com")


def found(content: str) -> str | None:
    hit = verdict(compiled_with("links", allowed_domains=ALLOWED), content)
    return None if hit is None else hit.fragment


@pytest.mark.parametrize(
    ("content", "host"),
    [
        ("http://evil.com", "evil.com"),
        ("HTTPS://EVIL.COM/x", "evil.com"),
        ("<https://evil.com>", "evil.com"),
        ("[good.example](https://evil.com/a)", "evil.com"),
        ("[a](https://good.example)evil.com", "evil.com"),
        ("https://good.example@evil.com", "evil.com"),
        ("https://good.example:pass@evil.com/", "evil.com"),
        ("https://evil.com\\@good.example", "evil.com"),
        ("https:\\\\evil.com", "evil.com"),
        ("https://good.example.evil.com", "good.example.evil.com"),
        ("https://notgood.example", "notgood.example"),
        ("https://good%2eexample", "good%2eexample"),
        ("https://gооd.example/", "gооd.example"),
        ("https://strasse.de", "strasse.de"),
        ("https://1.2.3.4/", "1.2.3.4"),
        ("https://[::1]/", "[::1]"),
        ("http://localhost:8000", "localhost"),
        ("https://пример.рф/x", "пример.рф"),
        ("evil.com", "evil.com"),
        ("see evil.com.", "evil.com"),
        ("(evil.com)", "evil.com"),
        ("//evil.com", "evil.com"),
        ("and/evil.com", "evil.com"),
        ("evil.com:8080", "evil.com"),
        ("sub.evil.co.uk", "sub.evil.co.uk"),
        ("evil\\.com", "evil.com"),
        ("evil。com", "evil.com"),
        ("ev\u200bil.com", "evil.com"),
        ("ｅｖｉｌ．ｃｏｍ", "evil.com"),
        ("еvіl.соm", "evil.com"),
        ("evil(dot)com", "evil.com"),
        ("evil[.]com", "evil.com"),
        ("www.evil.de", "www.evil.de"),
        ("evil.de/path", "evil.de"),
        ("t.me/x", "t.me"),
        ("good.example evil.com", "evil.com"),
        ("discord.gg/abc", "discord.gg"),
    ],
)
def test_a_link_is_found(content: str, host: str) -> None:
    assert found(content) == host


@pytest.mark.parametrize(
    "content",
    [
        "https://good.example/x",
        "https://GOOD.example:443/",
        "https://good.example./",
        "https://sub.good.example/?u=http://evil.com",
        "https://good.example/evil.com",
        "https://evil.com@good.example",
        "good.example",
        "https://münchen.de/x",
        "https://xn--mnchen-3ya.de",
        "münchen.de/x",
        "https://straße.de",
        "https://STRAẞE.de",
        "straße.de/x",
        "https://xn--strae-oqa.de",
        "https://discord.com/channels/1/2",
        "https://",
        "me@evil.com",
        "john.doe@evil.com",
        "ok.so then",
        "oui.de rien",
        "main.py and readme.md",
        "node.js",
        'logger.info("x") and self.app.rest',
        "code.co_name",
        "src/main.rs/lib",
        "he/she.they/them",
        "discord.py/discord.js",
        "1.5",
        "e.g. this",
        "etc...com",
        "the dot com bubble",
        "",
    ],
)
def test_what_is_no_link_or_an_allowed_one_stays(content: str) -> None:
    assert found(content) is None


@given(at=st.integers(0, len("https://evil.com/x")), char=st.sampled_from(INVISIBLE))
def test_invisible_characters_hide_no_link(at: int, char: str) -> None:
    link = "https://evil.com/x"
    assert found(link[:at] + char + link[at:]) is not None


@given(content=in_disguise("elsewhere.com/x"))
def test_no_disguise_hides_a_bare_domain(content: str) -> None:
    assert found(content) is not None


HOSTILE = st.text(alphabet="https:/\\@.?#[]()<>|* goodexamplevilcm%2\u200bо。-_", max_size=60)


@given(content=HOSTILE)
def test_a_link_to_elsewhere_stays_found_beside_any_text(content: str) -> None:
    assert found(f"{content} https://elsewhere.org/") is not None


def test_invites_are_left_to_their_own_rule_when_it_is_on() -> None:
    both = compile_config(AutomodConfig(links=LinksRule(enabled=True), invites=InvitesRule(enabled=True)))
    hit = verdict(both, "https://discord.gg/abc")
    assert hit is not None
    assert hit.rule is Rule.INVITES
    assert verdict(both, "https://discord.gg/abc", own_invite_codes=frozenset({"abc"})) is None


def test_the_picker_for_gifs_works_with_the_default_list() -> None:
    assert verdict(compiled_with("links"), "https://tenor.com/view/cat-1") is None
