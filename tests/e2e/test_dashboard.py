"""A dashboard user through the public API: an account, a bot, its servers, its settings, its cases."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from support.hosted import Application, HostedBot, new_application
from support.house import House
from support.owner import PASSWORD, Owner, problem_of
from support.server import Server, said

from astero_bot_engine.fleet.timing import Timing

OTHER_TOKEN = "MTA5OTk5OTk5OTk5OTk5OTk5.GaBcDe.n0-such-t0ken-n0-such-t0ken-n0-such"


@pytest.fixture
def stranger(house: House) -> Iterator[Owner]:
    """Somebody with an account of their own."""
    other = Owner.from_discord(house)
    yield other
    other.close()


def test_register_log_in_stay_in_and_log_out(house: House) -> None:
    ana = Owner(house)
    problem_of(ana.send("GET", "/api/auth/me"), 401)
    made = ana.send("POST", "/api/auth/register", {"email": ana.email, "password": PASSWORD})
    assert made.status_code == 202
    assert not ana.cookies
    (made_hash,) = house.ask("SELECT left(password_hash, 7) FROM users WHERE email = %s", ana.email)
    assert made_hash == ("$2b$14$",)
    wrong = ana.send("POST", "/api/auth/login", {"email": ana.email, "password": "not-the-one-at-all"})
    unknown = ana.send("POST", "/api/auth/login", {"email": "nobody@example.com", "password": PASSWORD})
    assert problem_of(wrong, 401)["code"] == problem_of(unknown, 401)["code"]
    ana.log_in()
    assert set(ana.cookies) == {"__Host-astero_at", "__Host-astero_rt"}
    assert ana.get("/api/auth/me")["email"] == ana.email

    before = dict(ana.cookies)
    ana.post("/api/auth/refresh")
    assert not set(before.values()) & set(ana.cookies.values())
    assert ana.get("/api/auth/me")["email"] == ana.email

    kept = dict(ana.cookies)
    ana.post("/api/auth/logout")
    assert not ana.cookies
    ana.cookies = kept
    problem_of(ana.send("GET", "/api/auth/me"), 401)
    ana.close()


def test_a_bot_is_brought_with_its_token_and_comes_online(owner: Owner) -> None:
    application = new_application(owner.house, "Reef Guard")
    answer = owner.send("POST", "/api/bots", {"token": application.token})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["name"] == "Reef Guard"
    assert made["applicationId"] == application.id
    assert made["token"]["set"] is True
    assert made["token"]["last4"] == application.token[-4:]
    assert set(made["token"]) == {"set", "last4", "updatedAt"}
    bot = HostedBot(owner, made["id"], application)
    bot.wait_state("online")
    assert owner.get(bot.path)["status"]["state"] == "online"
    assert bot.id in {one["id"] for one in owner.get("/api/bots")["items"]}

    owner.patch(bot.path, {"name": "Harbour Guard"})
    assert owner.get(bot.path)["name"] == "Harbour Guard"
    owner.post(f"{bot.path}/stop")
    bot.wait_state("stopped")
    owner.post(f"{bot.path}/start")
    bot.wait_state("online")
    owner.delete(bot.path)
    problem_of(owner.send("GET", bot.path), 404)


def test_a_token_that_discord_does_not_know_is_refused(owner: Owner) -> None:
    for token in (OTHER_TOKEN, "nonsense"):
        refused = problem_of(owner.send("POST", "/api/bots", {"token": token}), 422)
        assert refused["code"] == "bots.token_invalid"


def test_an_application_is_hosted_once(owner: Owner, stranger: Owner, bot: HostedBot) -> None:
    body = {"token": bot.application.token}
    for somebody in (owner, stranger):
        taken = problem_of(somebody.send("POST", "/api/bots", body), 409)
        assert taken["code"] == "bots.application_taken"


def test_a_token_is_replaced_by_one_of_the_same_application_only(owner: Owner) -> None:
    bot = HostedBot.create(owner, new_application(owner.house))
    other = new_application(owner.house)
    path = f"{bot.path}/token"
    refused = problem_of(owner.send("PUT", path, {"token": other.token}), 422)
    assert refused["code"] == "bots.token_other_application"
    assert owner.get(bot.path)["token"]["last4"] == bot.application.token[-4:]


def test_a_token_is_in_no_answer(owner: Owner, bot: HostedBot, server: Server) -> None:
    for path in (
        "/api/bots",
        bot.path,
        f"{bot.path}/status",
        f"{bot.path}/guilds",
        bot.guild_path(server),
        f"{bot.guild_path(server)}/audit",
    ):
        owner.get(path)
    assert len(bot.house.answers) > 5
    token = bot.application.token
    assert not [answer.path for answer in bot.house.answers if token in answer.body]
    assert not [answer.path for answer in bot.house.answers if token in repr(answer.headers)]


def test_somebody_elses_bot_is_not_there(stranger: Owner, bot: HostedBot, server: Server) -> None:
    path = bot.guild_path(server)
    for method, where, body in (
        ("GET", bot.path, None),
        ("GET", f"{bot.path}/status", None),
        ("PUT", f"{bot.path}/token", {"token": bot.application.token}),
        ("DELETE", bot.path, None),
        ("GET", path, None),
        ("GET", f"{path}/modules/automod", None),
        ("PATCH", f"{path}/modules/automod", {"caps": {"enabled": True}}),
        ("GET", f"{path}/cases", None),
        ("POST", f"{path}/cases", {"action": "warn", "targetId": "1"}),
        ("DELETE", path, None),
    ):
        problem_of(stranger.send(method, where, body), 404)
    assert bot.id not in {one["id"] for one in stranger.get("/api/bots")["items"]}
    assert bot.settings(server)["caps"]["enabled"] is False


def test_servers_are_listed_with_what_discord_says_of_them(bot: HostedBot, server: Server) -> None:
    listed = bot.wait_guild(server)
    assert listed["name"] == "Reef"
    assert listed["present"] is True
    assert bot.owner.get(bot.guild_path(server)) == listed
    nowhere = f"{bot.path}/guilds/{int(server.id) + 1}"
    problem_of(bot.owner.send("GET", nowhere), 404)


def test_settings_of_every_module_are_read_changed_and_brought_back(
    owner: Owner, bot: HostedBot, server: Server
) -> None:
    known = {one["module"]: one for one in owner.get("/api/modules")["items"]}
    assert {"automod", "cases"} <= set(known)
    listed = {one["module"]: one for one in owner.get(f"{bot.guild_path(server)}/modules")["items"]}
    assert set(listed) == set(known)
    for module, patch in _CHANGES.items():
        path = f"{bot.guild_path(server)}/modules/{module}"
        first = bot.module(server, module)
        assert first.json()["config"] == listed[module]["config"]
        after = owner.patch(path, patch)
        assert after["revision"] == first.json()["revision"] + 1
        assert bot.module(server, module).json() == after
        assert after["config"] != first.json()["config"]
        revisions = owner.get(f"{path}/revisions")["items"]
        assert [one["revision"] for one in revisions] == [1]
        assert revisions[0]["actor"] == {
            "kind": "user",
            "id": owner.get("/api/auth/me")["id"],
            "name": revisions[0]["actor"]["name"],
        }
        owner.patch(path, dict.fromkeys(patch))
        assert bot.settings(server, module) == first.json()["config"]
        back = owner.post(f"{path}/revisions/1/restore")
        assert back["revision"] == 3
        assert back["config"] == after["config"]


_CHANGES: dict[str, dict[str, Any]] = {
    "automod": {"links": {"enabled": True, "allowedDomains": ["reef.example"]}},
    "cases": {"requireReason": True, "language": "fr"},
}


def test_the_second_of_two_who_change_at_once_is_told(bot: HostedBot, server: Server) -> None:
    path = f"{bot.guild_path(server)}/modules/automod"
    tag = bot.module(server).headers["etag"]
    assert bot.owner.send("GET", path, headers={"If-None-Match": tag}).status_code == 304
    mine = bot.owner.send("PATCH", path, {"caps": {"enabled": True}}, headers={"If-Match": tag})
    assert mine.status_code == 200
    theirs = bot.owner.send("PATCH", path, {"caps": {"percent": 50}}, headers={"If-Match": tag})
    assert problem_of(theirs, 412)["code"]
    now = bot.module(server)
    assert now.headers["etag"] == mine.headers["etag"] != tag
    assert now.json()["config"]["caps"]["percent"] == 70
    again = bot.owner.send(
        "PATCH", path, {"caps": {"percent": 50}}, headers={"If-Match": now.headers["etag"]}
    )
    assert again.status_code == 200


def test_a_change_works_in_discord_at_once(bot: HostedBot, server: Server) -> None:
    """The bot is told: it does not wait for its next look at the database, two seconds after this one.

    Who is not told never hears of it so soon; who is, on a busy machine, at one of five times.
    """
    member = server.join("nova")
    bot.change(server, words={"enabled": True, "words": ["null"]})

    def works_after(word: str) -> float:
        begun, said = time.monotonic(), list[str]()

        def one_is_gone() -> bool:
            said.append(server.say(member, word))
            return server.written().count(word) < len(said)

        server.house.wait(one_is_gone, what=f"{word} is deleted")
        return time.monotonic() - begun

    soonest = Timing().reconcile
    for number in range(5):
        server.house.ask(
            "UPDATE module_configs SET revision = revision + 1,"
            " config = jsonb_set(config, '{words,words}', to_jsonb(%s::text[])) WHERE guild_id = %s",
            *([f"found{number}"], int(server.id)),
        )
        works_after(f"found{number}")
        bot.patch(server, words={"enabled": True, "words": [f"told{number}"]})
        soonest = min(soonest, works_after(f"told{number}"))
        if soonest < Timing().reconcile / 2:
            return
    pytest.fail(f"the bot hears of a change after {soonest:.1f} s at best")


def test_wrong_settings_are_refused_with_the_place(bot: HostedBot, server: Server) -> None:
    path = f"{bot.guild_path(server)}/modules/automod"
    for patch, pointer in (
        ({"caps": {"percent": 200}}, "/caps/percent"),
        ({"caps": {"percent": "70"}}, "/caps/percent"),
        ({"caps": {"surprise": 1}}, "/caps/surprise"),
        ({"patterns": {"patterns": ["("]}}, "/patterns/patterns/0"),
        ({"words": {"words": ["a"] * 600}}, "/words/words"),
    ):
        refused = problem_of(bot.owner.send("PATCH", path, patch), 422)
        assert pointer in {one["pointer"] for one in refused["errors"]}, refused
    assert bot.module(server).json()["revision"] == 0


def test_a_case_from_the_dashboard_is_carried_out_and_shown(bot: HostedBot, server: Server) -> None:
    member = server.join("nova")
    path = f"{bot.guild_path(server)}/cases"
    bot.change(server, "cases", logChannel=server.log_channel)
    answer = bot.owner.send(
        "POST",
        path,
        {
            "action": "timeout",
            "targetId": member,
            "durationSeconds": 600,
            "reason": "shouting",
            "internalNote": "third time this week",
        },
    )
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{path}/1"
    case = bot.wait_case(server)
    assert case["state"] == "done", case
    assert (case["action"], case["source"], case["durationSeconds"]) == ("timeout", "api", 600)
    now = server.member(member)
    assert now is not None
    assert now["timedOutUntil"]
    shown = said(server.wait_embed("#1"))
    assert "shouting" in shown
    assert "third time this week" in shown

    bot.owner.patch(f"{path}/1", {"reason": "shouting all night"})
    assert bot.case(server, 1)["reason"] == "shouting all night"
    bot.owner.post(path, {"action": "warn", "targetId": member, "related": [1]})
    assert bot.wait_case(server, 2)["related"] == [1]
    assert [one["number"] for one in bot.cases(server, f"?targetId={member}")] == [2, 1]
    assert [one["number"] for one in bot.cases(server, "?action=warn")] == [2]


def test_a_case_that_discord_refuses_says_why(bot: HostedBot, server: Server) -> None:
    path = f"{bot.guild_path(server)}/cases"
    bot.owner.post(path, {"action": "kick", "targetId": server.owner_id})
    case = bot.wait_case(server)
    assert case["state"] == "failed"
    assert case["failure"] == "cases.target_is_owner"
    assert server.member(server.owner_id)


def test_the_audit_log_names_who_did_what(owner: Owner, bot: HostedBot, server: Server) -> None:
    bot.change(server, caps={"enabled": True})
    entries = owner.get(f"{bot.guild_path(server)}/audit")["items"]
    me = owner.get("/api/auth/me")["id"]
    mine = [one for one in entries if one["actor"]["id"] == me]
    assert mine, entries
    assert all(re.fullmatch(r"[a-z_]+:[a-z_]+:[a-z_]+", one["action"]) for one in entries)


def test_nothing_of_an_application_is_needed_but_its_token(owner: Owner) -> None:
    """A bot that nobody added to a server yet is hosted all the same."""
    made = new_application(owner.house, "Lonely")
    bot = HostedBot.create(owner, Application(made.id, made.token))
    bot.wait_state("online")
    assert bot.guilds() == []
