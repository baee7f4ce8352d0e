"""A bot leaves a server and comes back: 14 days long everything is kept, byte for byte, and then nothing."""

from typing import Any
from unittest.mock import ANY

from support.hosted import HostedBot
from support.house import House
from support.owner import problem_of
from support.server import Server, custom_ids, seen

MANAGE_GUILD = 1 << 5
WORDS: dict[str, Any] = {"enabled": True, "action": "warn", "words": ["rumpelstilz"]}


def configure(bot: HostedBot, server: Server) -> str:
    """Settings of both modules, two cases; answers the member they are about."""
    member = server.join("nova")
    bot.change(server, "cases", logChannel=server.log_channel, requireReason=True)
    bot.change(server, words=WORDS, links={"enabled": True, "allowedDomains": ["reef.example"]})
    server.wait_gone(server.say(member, "rumpelstilz"))
    bot.wait_case(server)
    note = {"action": "note", "targetId": member, "reason": "x", "internalNote": "y\nz"}
    bot.owner.post(f"{bot.guild_path(server)}/cases", note)
    bot.wait_case(server, 2)
    return member


def everything(bot: HostedBot, server: Server) -> dict[str, bytes]:
    """What the dashboard shows of the server, as it comes over the wire."""
    parts = ("modules", "cases", "cases/1", "cases/2")
    parts += tuple(f"modules/{name}{tail}" for name in ("automod", "cases") for tail in ("", "/revisions"))
    answers = {part: bot.owner.send("GET", f"{bot.guild_path(server)}/{part}") for part in parts}
    assert all(answer.status_code == 200 for answer in answers.values()), answers
    return {part: answer.content for part, answer in answers.items()}


def wait_left(bot: HostedBot, server: Server) -> None:
    server.house.wait(
        lambda: server.has_bot(bot.application.id), lambda there: not there, what="the bot leaves"
    )


def grow_old(house: House, server: Server) -> None:
    house.ask(
        "UPDATE installations SET removed_at = now() - interval '14 days' WHERE guild_id = %s"
        " AND removed_at IS NOT NULL",
        int(server.id),
    )


def rows_of(house: House, server: Server) -> dict[str, int]:
    """Rows by table, of every table that knows servers."""
    tables = house.ask(
        "SELECT table_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name = 'guild_id' ORDER BY table_name"
    )
    assert len(tables) > 5
    counts = {
        table: house.ask(f"SELECT count(*) FROM {table} WHERE guild_id = %s", int(server.id))[0][0]  # noqa: S608
        for (table,) in tables
    }
    return {table: count for table, count in counts.items() if count}


def test_removed_in_the_dashboard_and_restored_byte_for_byte(bot: HostedBot, server: Server) -> None:
    member = configure(bot, server)
    before = everything(bot, server)
    path = bot.guild_path(server)

    bot.owner.delete(path)
    wait_left(bot, server)
    for part in ("", *(f"/{one}" for one in before)):
        problem_of(bot.owner.send("GET", path + part), 404)
    problem_of(bot.owner.send("PATCH", f"{path}/modules/automod", {"caps": {"enabled": True}}), 404)
    bot.owner.delete(path)
    assert server.id not in {one["guildId"] for one in bot.guilds()}
    removed = bot.wait_guild(server, "removed")
    assert removed["restorableUntil"] > removed["removedAt"]
    assert removed["inviteUrl"]

    assert bot.owner.post(f"{path}/restore")["present"] is False
    assert everything(bot, server) == before
    bot.owner.post(f"{path}/restore")
    assert everything(bot, server) == before
    assert server.id not in {one["guildId"] for one in bot.guilds("removed")}

    server.add_bot(bot.application.id)
    bot.house.wait(bot.guilds, lambda all_: _is_present(all_, server), what="the bot is back", poll=0.2)
    assert everything(bot, server) == before
    server.wait_gone(server.say(member, "rumpelstilz"))
    assert bot.wait_case(server, 3)["related"] == [2, 1]
    # It was restored already: nothing is offered.
    assert [one for one in server.messages() if one["author"].get("bot")] == []


def _is_present(guilds: list[dict[str, Any]], server: Server) -> bool:
    return any(one["guildId"] == server.id and one["present"] for one in guilds)


def test_kicked_and_brought_back_with_the_button(bot: HostedBot, server: Server) -> None:
    member = configure(bot, server)
    admin = server.join("max", permissions=MANAGE_GUILD)
    before = everything(bot, server)
    server.remove_bot(bot.application.id)
    bot.wait_guild(server, "removed")
    problem_of(bot.owner.send("GET", bot.guild_path(server)), 404)

    bot.enter(server)
    assert bot.settings(server)["words"]["enabled"] is False
    assert bot.cases(server) == []
    offer = server.house.wait(
        lambda: [one for one in server.messages() if one["components"]], what="the restore is offered"
    )[0]
    (button,) = custom_ids({"message": offer})
    refused = server.press(member, bot.application.id, offer, button)
    assert refused["ephemeral"]
    assert bot.settings(server)["words"]["enabled"] is False

    server.press(admin, bot.application.id, offer, button)
    server.house.wait(lambda: everything(bot, server), lambda now: now == before, what="all is as it was")
    decided = next(one for one in server.messages() if one["id"] == offer["id"])
    assert not decided["components"]
    assert f"<@{admin}>" in seen({"message": decided})
    server.wait_gone(server.say(member, "rumpelstilz"))
    assert bot.wait_case(server, 3)["related"] == [2, 1]
    assert bot.guilds("removed") == [] or server.id not in {one["guildId"] for one in bot.guilds("removed")}


def test_kicked_and_added_again_in_the_same_moment(bot: HostedBot, server: Server) -> None:
    """The two events overtake each other nowhere: the bot is in the server, so the server is listed."""
    member = server.join("nova")
    for _ in range(5):
        server.remove_bot(bot.application.id)
        server.add_bot(bot.application.id)
    # The bot records what it hears in order: after this one, everything before is settled.
    bot.enter(Server(bot.house, "Elsewhere"))
    assert _is_present(bot.guilds(), server)
    bot.change(server, words=WORDS)
    server.wait_gone(server.say(member, "rumpelstilz"))


def test_an_outage_removes_nothing(bot: HostedBot, server: Server) -> None:
    member = configure(bot, server)
    before = everything(bot, server)
    server.people.post(f"/guilds/{server.id}/outage", unavailable=True)
    # The bot hears events in order: when it has acted on a later one, it has seen the outage.
    other = Server(bot.house, "Elsewhere")
    bot.enter(other)
    assert everything(bot, server) == before
    assert _is_present(bot.guilds(), server)

    server.people.post(f"/guilds/{server.id}/outage", unavailable=False)
    server.wait_gone(server.say(member, "rumpelstilz"))
    bot.wait_case(server, 3)
    assert not [one for one in server.messages() if one["components"]]
    assert server.id not in {one["guildId"] for one in bot.guilds("removed")}


def test_removed_while_no_engine_runs_the_bot_leaves_when_one_does(bot: HostedBot, server: Server) -> None:
    # Of this one, a blank installation stands before the one that can be restored.
    again = Server(bot.house, "Harbour")
    bot.enter(again)
    for one in (server, again):
        configure(bot, one)
    again.remove_bot(bot.application.id)
    bot.wait_guild(again, "removed")
    bot.enter(again)
    engine = bot.house.stack.engine
    engine.stop()
    try:
        for one in (server, again):
            bot.owner.delete(bot.guild_path(one))
            assert one.has_bot(bot.application.id)
    finally:
        engine.start()
        engine.wait_ready()
    for one in (server, again):
        wait_left(bot, one)
    assert {server.id, again.id} <= {one["guildId"] for one in bot.guilds("removed")}


def test_after_14_days_it_is_too_late_before_the_purge_and_after_it(bot: HostedBot, server: Server) -> None:
    """And the purge takes one server and leaves the others."""
    house = bot.house
    path = bot.guild_path(server)
    other = Server(house, "Harbour")
    bot.enter(other)
    for one in (server, other):
        configure(bot, one)
    before, rows = everything(bot, other), rows_of(house, other)
    bot.owner.delete(path)
    wait_left(bot, server)
    worker = house.stack.worker
    worker.stop()
    try:
        grow_old(house, server)
        assert server.id not in {one["guildId"] for one in bot.guilds("removed")}
        gone = problem_of(bot.owner.send("POST", f"{path}/restore"), 410)
        assert gone["code"] == "installations.restore_expired"
        assert {"installations", "cases", "module_configs"} <= set(rows_of(house, server))
    finally:
        worker.start()
    house.wait(lambda: rows_of(house, server), lambda left: not left, what="every row is purged")
    assert problem_of(bot.owner.send("POST", f"{path}/restore"), 410) == gone | {"requestId": ANY}
    problem_of(bot.owner.send("GET", path), 404)
    assert everything(bot, other) == before
    assert rows_of(house, other) == rows

    bot.enter(server)
    assert bot.cases(server) == []
    assert bot.module(server).json()["revision"] == 0
