"""Invites are found however they are written; the server's own and its partners' stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.automod import compiled_with, in_disguise, verdict

COMPILED = compiled_with("invites", allowed_codes=("Partner",))


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        ("discord.gg/AbC", ("AbC",)),
        ("https://discord.gg/abc?x=1", ("abc",)),
        ("https://discord.com/invite/abc", ("abc",)),
        ("https://ptb.discord.com/invite/abc", ("abc",)),
        ("discordapp.com/invite/abc", ("abc",)),
        ("discord.gg/invite/abc", ("abc",)),
        ("discord . gg / abc", ("abc",)),
        ("discord(dot)gg/abc", ("abc",)),
        ("discord,gg/abc", ("abc",)),
        ("disc\u200bord.gg/abc", ("abc",)),
        ("dıscord․gg∕abc", ("abc",)),
        ("dis**cord**.gg/abc", ("abc",)),
        ("discord\\.gg/abc", ("abc",)),
        ("discord.gg\\abc", ("abc",)),
        ("discord.gg//abc", ("abc",)),
        ("discord.gg%2Fabc", ("abc",)),
        ("https://discord.com/%69nvite/abc", ("abc",)),
        ("join .gg/abc", ("abc",)),
        ("dsc.gg/abc", ("abc",)),
        ("discord.me/abc", ("abc",)),
        ("https://discord.gg:443/abc", ("abc",)),
        ("https://discord.gg:/abc", ("abc",)),
        ("https://discord.gg./abc", ("abc",)),
        ("https://discord.gg////abc", ("abc",)),
        ("https://discord.com:443/invite/abc", ("abc",)),
        ("https://discord.com.:443/invite/abc", ("abc",)),
        ("https://discord.com/./invite/abc", ("abc",)),
        ("https://discord.com/invite/./abc", ("abc",)),
        ("https://discord.com/x/../invite/abc", ("abc",)),
        ("https://discord.com/x/y/../../invite/abc", ("abc",)),
        ("https://discord.com/x/%2e%2E/invite/abc", ("abc",)),
        ("https:\\\\discord.com\\x\\..\\invite\\abc", ("abc",)),
        ("see https://discord.com/x/../invite/y/../abc now", ("abc",)),
        ("https://discord.gg/../invite/abc", ("abc",)),
        ("https://discord.gg/./abc", ("abc",)),
        ("https://discord.gg/abc?x=/./partner", ("abc",)),
        ("https://discord.com/template/AbC", ("AbC",)),
        ("https://discord.new/abc", ("abc",)),
        ("https://discord.com/servers/a-place-123456789012345678", ("a-place-123456789012345678",)),
        ("discord.com:443/servers/123456789012345678", ("123456789012345678",)),
        ("discord.gg/partner discord.gg/abc", ("abc",)),
        ("discord.gg/abc discord.gg/xyz", ("abc", "xyz")),
    ],
)
def test_an_invite_is_found(content: str, codes: tuple[str, ...]) -> None:
    hit = verdict(COMPILED, content)
    assert hit is not None
    assert hit.invite_codes == codes


@pytest.mark.parametrize(
    "content",
    [
        *("discord.gg/Partner", "discord.com/invite/PARTNER", "join discord.gg", "discord.gg/"),
        *("op.gg/summoners", "https://discord.com/channels/1/2", "gg/wp", "the discord invite", ""),
        *("https://discord.com/servers", "https://discord.com/servers/gaming", "https://discord.new"),
        *("https://discord.com/template/", "discord.gg: a site", "https://support.discord.com:443/hc/en-us"),
        *(
            "https://discord.com/invite/../channels/1/2",
            "https://discord.com/x/../developers",
            "discord.gg/../",
        ),
        *(
            "what is discord... /.. no idea",
            "https://example.com/a/../discord",
            "https://discord.gg/./Partner",
        ),
    ],
)
def test_what_invites_nobody_elsewhere_stays(content: str) -> None:
    assert verdict(COMPILED, content) is None


@given(data=st.data(), host=st.sampled_from(["discord.gg/", "discord.com/invite/", "dsc.gg/"]))
def test_no_disguise_hides_an_invite(data: st.DataObject, host: str) -> None:
    assert verdict(COMPILED, data.draw(in_disguise(host)) + "abcdef") is not None


def test_our_own_invites_stay_only_while_that_is_allowed() -> None:
    own = frozenset({"Our-Vanity"})
    assert verdict(COMPILED, "discord.gg/our-vanity", own_invite_codes=own) is None
    strict = verdict(compiled_with("invites", allow_own=False), "discord.gg/our-vanity", own_invite_codes=own)
    assert strict is not None
    assert strict.invite_codes == ()  # nobody needs to ask Discord where it leads
