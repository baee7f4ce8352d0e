"""What a moderator does with /mod comes about, ends when it should, and says no more than it may."""

from datetime import datetime, timedelta

import pytest
from support.hosted import HostedBot
from support.server import Server, said, seen

from astero_shared.clock import utc_now

MODERATOR = ("Moderator",)


def test_a_ban_ends_when_its_time_is_over(bot: HostedBot, server: Server) -> None:
    moderator, member = server.join("max", roles=MODERATOR), server.join("nova")
    bot.change(server, "cases", logChannel=server.log_channel)
    answer = server.use(
        moderator, bot.application.id, "mod ban", user=member, duration="2h", reason="raiding"
    )
    assert "#1" in seen(answer)
    assert server.is_banned(member)
    case = bot.case(server, 1)
    assert case["durationSeconds"] == 7200
    left = datetime.fromisoformat(case["expiresAt"]) - utc_now()
    assert timedelta(hours=1, minutes=59) < left <= timedelta(hours=2)

    # Two hours later.
    bot.house.ask("UPDATE cases SET expires_at = now() WHERE guild_id = %s", int(server.id))
    server.house.wait(lambda: server.is_banned(member), lambda banned: not banned, what="the ban is lifted")
    server.wait_embed("#1", f"<@{member}>", "is over")
    assert server.house.wait(
        lambda: bot.case(server, 1)["liftedAt"], what="the case says when it was lifted", poll=0.2
    )
    assert [one["number"] for one in bot.cases(server)] == [1]


def test_a_ban_that_is_not_due_stays(bot: HostedBot, server: Server) -> None:
    """Beside one that is lifted in the same round."""
    moderator = server.join("max", roles=MODERATOR)
    due, later, forever = (server.join(name) for name in ("nova", "otto", "rosa"))
    for member, duration in ((due, "1h"), (later, "1h"), (forever, None)):
        options = {} if duration is None else {"duration": duration}
        server.use(moderator, bot.application.id, "mod ban", user=member, **options)
    bot.house.ask(
        "UPDATE cases SET expires_at = now() WHERE guild_id = %s AND target_id = %s", int(server.id), int(due)
    )
    server.house.wait(lambda: server.is_banned(due), lambda banned: not banned, what="the ban is lifted")
    assert server.is_banned(later)
    assert server.is_banned(forever)
    assert bot.case(server, 3)["expiresAt"] is None


def test_a_timeout_lasts_as_told_or_as_is_usual(bot: HostedBot, server: Server) -> None:
    moderator, member = server.join("max", roles=MODERATOR), server.join("nova")
    bot.change(server, "cases", defaultTimeoutMinutes=15)
    for options, minutes in (({"duration": "1d12h"}, 36 * 60), ({}, 15)):
        server.use(moderator, bot.application.id, "mod timeout", member=member, **options)
        now = server.member(member)
        assert now is not None
        left = datetime.fromisoformat(now["timedOutUntil"]) - utc_now()
        assert timedelta(minutes=minutes - 1) < left <= timedelta(minutes=minutes)
    assert [case["durationSeconds"] for case in bot.cases(server)] == [15 * 60, 36 * 3600]


def test_a_purge_takes_the_newest_messages_of_the_one_it_is_about(bot: HostedBot, server: Server) -> None:
    moderator, loud, quiet = server.join("max", roles=MODERATOR), server.join("nova"), server.join("otto")
    for number in range(6):
        server.say(loud, f"loud {number}")
        server.say(quiet, f"quiet {number}")
    server.use(moderator, bot.application.id, "mod purge", count=4, member=loud)
    assert server.written() == [
        *("loud 0", "quiet 0", "loud 1", "quiet 1"),
        *(f"quiet {number}" for number in range(2, 6)),
    ]
    server.use(moderator, bot.application.id, "mod purge", count=3)
    assert server.written() == ["loud 0", "quiet 0", "loud 1", "quiet 1", "quiet 2"]
    channel, member = bot.cases(server)
    assert (member["action"], member["target"]["id"]) == ("purge", loud)
    assert (channel["target"]["id"], channel["channelId"]) == (server.general, server.general)


def test_kick_ban_and_unban(bot: HostedBot, server: Server) -> None:
    moderator, member = server.join("max", roles=MODERATOR), server.join("nova")
    bot_id = bot.application.id
    server.use(moderator, bot_id, "mod kick", member=member, reason="cool off")
    assert server.member(member) is None
    assert not server.is_banned(member)
    server.people.join(server.id, user_id=member)
    server.use(moderator, bot_id, "mod ban", user=member)
    assert server.is_banned(member)
    server.use(moderator, bot_id, "mod unban", user=member)
    assert not server.is_banned(member)
    assert [(case["action"], case["related"]) for case in bot.cases(server)] == [
        ("unban", [2, 1]),
        ("ban", [1]),
        ("kick", []),
    ]


@pytest.mark.parametrize("action", ["warn", "timeout", "kick", "ban"])
@pytest.mark.parametrize("door", ["discord", "dashboard"])
def test_the_member_reads_the_reason_and_nothing_internal(
    bot: HostedBot, server: Server, action: str, door: str
) -> None:
    """Only the dashboard takes a note with the case; in Discord a note is a case of its own."""
    moderator, member = server.join("max", roles=MODERATOR), server.join("nova")
    bot.change(server, "cases", logChannel=server.log_channel)
    bot_id = bot.application.id
    server.use(moderator, bot_id, "mod note", user=member, text="maybe a second account")
    if door == "discord":
        who = "user" if action == "ban" else "member"
        server.use(moderator, bot_id, f"mod {action}", **{who: member}, reason="shouting")
        by = moderator
    else:
        case = {"action": action, "targetId": member, "reason": "shouting", "internalNote": "called me names"}
        opened = bot.owner.post(f"{bot.guild_path(server)}/cases", case)
        assert opened["internalNote"] == "called me names"
        by = opened["moderator"]["name"]
    bot.wait_case(server, 2)

    told = server.house.wait(
        lambda: [f"{one['content']} {one['embeds']}" for one in server.people.direct_messages(member)],
        what="the member gets a direct message",
    )
    assert len(told) == 1
    assert "shouting" in told[0]
    assert not [word for word in ("second account", "names", "max", moderator, by) if word in told[0]]
    shown = server.wait_embed("#1", "maybe a second account")
    assert f"<@{moderator}>" in said(shown)
    assert server.messages() == []
