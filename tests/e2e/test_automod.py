"""The main job: a message that breaks a rule goes, its author gets what is configured, a case says so."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from support.hosted import HostedBot
from support.server import Server, said

from astero_shared.clock import utc_now

MANAGE_MESSAGES = 1 << 13

# rule, its settings, a message that breaks it, one that does not, the action and its duration in minutes
RULES: list[tuple[str, dict[str, Any], str, str, str, int]] = [
    ("words", {"words": ["rumpelstilz"]}, "you RUMPELSTΙLZ", "rumpel stilz", "delete", 60),
    (
        "links",
        {"allowedDomains": ["reef.example"]},
        "https://evil.example/x",
        "https://reef.example",
        "warn",
        60,
    ),
    ("invites", {}, "join discord.gg/elsewhere", "join us there", "kick", 60),
    ("caps", {"minLetters": 5}, "WHY DOES NOBODY ANSWER", "why does nobody answer", "timeout", 45),
    ("mentions", {"limit": 2}, "{0} {1} {2}", "{0} {1}", "ban", 0),
    ("emoji", {"limit": 3}, "🦀🦀🦀🦀", "🦀🦀🦀", "ban", 120),
    ("patterns", {"patterns": [r"buy\s+gold\d+"]}, "Buy  GOLD24 now", "buy gold", "timeout", 1),
]


@pytest.mark.parametrize(
    ("rule", "settings", "bad", "good", "action", "minutes"), RULES, ids=[row[0] for row in RULES]
)
def test_a_broken_rule_has_the_consequence_that_was_configured(
    bot: HostedBot,
    server: Server,
    rule: str,
    settings: dict[str, Any],
    bad: str,
    good: str,
    action: str,
    minutes: int,
) -> None:
    member = server.join("nova")
    bot.change(server, "cases", logChannel=server.log_channel)
    bot.change(server, **{rule: {"enabled": True, "action": action, "durationMinutes": minutes, **settings}})
    begun = utc_now().replace(microsecond=0)

    people = [f"<@{one}>" for one in (server.owner_id, member, bot.application.id)]
    kept = server.say(member, good.format(*people))
    gone = server.say(member, bad.format(*people))
    server.wait_gone(gone)

    case = bot.wait_case(server)
    timed = action in {"timeout", "ban"} and minutes > 0
    assert case["action"] == action
    assert case["state"] == "done"
    assert case["source"] == "automod"
    assert case["rule"] == rule
    assert case["target"] == {"id": member, "name": "nova"}
    assert case["channelId"] == server.general
    assert case["durationSeconds"] == (minutes * 60 if timed else None)
    assert case["related"] == []
    assert case["reason"]
    assert case["internalNote"]
    if timed:
        ends = datetime.fromisoformat(case["expiresAt"])
        assert begun <= ends - timedelta(minutes=minutes) <= utc_now()
    else:
        assert case["expiresAt"] is None
    _done_to(server, member, action, case)
    shown = server.wait_embed("#1")
    assert f"<@{member}>" in said(shown)
    assert case["reason"] in said(shown)
    assert case["internalNote"] in said(shown)
    assert [one["id"] for one in server.messages() if one["author"]["id"] == member] == [kept]


def _done_to(server: Server, member: str, action: str, case: dict[str, Any]) -> None:
    now = server.member(member)
    assert (now is None) == (action in {"kick", "ban"})
    assert server.is_banned(member) == (action == "ban")
    if now is not None and action == "timeout":
        until = datetime.fromisoformat(now["timedOutUntil"])
        assert abs(until - datetime.fromisoformat(case["expiresAt"])) < timedelta(seconds=1)
    elif now is not None:
        assert now["timedOutUntil"] is None


def test_the_member_is_told_and_does_not_read_the_internal_note(bot: HostedBot, server: Server) -> None:
    member = server.join("nova")
    bot.change(server, words={"enabled": True, "action": "warn", "words": ["rumpelstilz"]})
    server.wait_gone(server.say(member, "rumpelstilz!"))
    case = bot.wait_case(server)

    def told() -> list[str]:
        return [one["content"] for one in server.people.direct_messages(member)]

    (notice,) = server.house.wait(told, what="the member got a direct message")
    assert case["reason"] in notice
    assert "Reef" in notice
    assert case["internalNote"] not in notice


def test_an_edit_is_read_like_a_new_message(bot: HostedBot, server: Server) -> None:
    member = server.join("nova")
    bot.change(server, words={"enabled": True, "words": ["rumpelstilz"]})
    message = server.say(member, "harmless")
    server.edit(message, "still harmless")
    server.edit(message, "rumpelstilz after all")
    server.wait_gone(message)
    assert bot.wait_case(server)["rule"] == "words"


def test_cases_of_one_member_relate_to_each_other(bot: HostedBot, server: Server) -> None:
    member, other = server.join("nova"), server.join("otto")
    bot.change(server, words={"enabled": True, "words": ["rumpelstilz"]})
    for number, who in enumerate((member, other, member), start=1):
        server.wait_gone(server.say(who, "rumpelstilz"))
        bot.wait_case(server, number)
    assert [case["related"] for case in bot.cases(server)] == [[1], [], []]


def test_staff_and_exempt_roles_and_channels_are_left_alone(bot: HostedBot, server: Server) -> None:
    trusted = server.role("Trusted", position=1)
    staff = server.join("max", permissions=MANAGE_MESSAGES)
    regular = server.join("rosa", roles=(trusted,))
    member = server.join("nova")
    bot.change(
        server,
        words={
            "enabled": True,
            "words": ["rumpelstilz"],
            "exemptRoles": [trusted],
            "exemptChannels": [server.log_channel],
        },
    )
    for who in (staff, regular):
        server.say(who, "rumpelstilz")
    server.say(member, "rumpelstilz", channel="mod-log")
    # The bot reads in order: when the last one is gone, the ones before were let through.
    server.wait_gone(server.say(member, "rumpelstilz"))
    bot.wait_case(server)
    assert server.written() == ["rumpelstilz", "rumpelstilz"]
    assert server.written("mod-log") == ["rumpelstilz"]
    assert len(bot.cases(server)) == 1


@pytest.mark.parametrize("who", ["owner", "above"])
def test_nobody_above_the_bot_is_acted_on_and_that_is_said_once(
    bot: HostedBot, server: Server, who: str
) -> None:
    above = server.role("Legends")
    target = server.owner_id if who == "owner" else server.join("otto", roles=(above,))
    member = server.join("nova")
    bot.change(server, "cases", logChannel=server.log_channel)
    bot.change(server, words={"enabled": True, "action": "ban", "words": ["rumpelstilz"]})
    since = server.people.now()
    for _ in range(3):
        server.say(target, "rumpelstilz")
    shown = server.wait_embed(f"<@{target}>")
    server.wait_gone(server.say(member, "rumpelstilz"))
    bot.wait_case(server)
    server.wait_embed("#1")

    assert server.member(target)
    assert server.written() == ["rumpelstilz"] * 3
    about_target = [embed for embed in server.embeds() if f"<@{target}>" in said(embed)]
    assert about_target == [shown]
    # It did not even try: a refusal of Discord counts against every bot of this machine.
    mine = server.people.calls(since, applicationId=bot.application.id)
    assert not [call for call in mine if call["status"] in {401, 403}]
    assert [call for call in mine if call["method"] == "DELETE"], "the calls are those of this bot"


def test_other_bots_may_say_what_they_want(bot: HostedBot, server: Server) -> None:
    stranger = server.people.create_application("Stranger")
    server.add_bot(stranger["applicationId"])
    member = server.join("nova")
    bot.change(server, words={"enabled": True, "words": ["rumpelstilz"]})
    server.say(stranger["applicationId"], "rumpelstilz")
    server.wait_gone(server.say(member, "rumpelstilz"))
    assert len(server.messages()) == 1
