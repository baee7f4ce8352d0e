"""What can go wrong with a bot is told to its owner with a reason, costs nothing, and can be put right."""

from typing import Any

import pytest
from support.hosted import Application, HostedBot, new_application
from support.house import House
from support.owner import Owner
from support.server import Server

WORDS: dict[str, Any] = {"enabled": True, "words": ["rumpelstilz"]}
# The privileged intents without MESSAGE_CONTENT (1 << 19): presences and members.
NO_MESSAGE_CONTENT = 1 << 13 | 1 << 15
ALL_PRIVILEGED = NO_MESSAGE_CONTENT | 1 << 19


def online_bot(owner: Owner, **application: Any) -> HostedBot:
    bot = HostedBot.create(owner, new_application(owner.house, **application))
    bot.wait_state("online")
    return bot


def acts(bot: HostedBot) -> None:
    """The bot still deletes messages in a new server of its own."""
    server = Server(bot.house)
    bot.enter(server)
    bot.change(server, words=WORDS)
    bot.wait_listening(server, "rumpelstilz")


@pytest.mark.parametrize("noticed_by", ["gateway", "rest"])
def test_a_token_that_was_reset_stops_the_bot_until_there_is_a_new_one(
    owner: Owner, bot: HostedBot, noticed_by: str
) -> None:
    house = owner.house
    broken = online_bot(owner)
    server = Server(house)
    broken.enter(server)
    broken.change(server, caps={"enabled": True, "percent": 55})
    before = broken.module(server).content
    application = house.people.patch(f"/applications/{broken.application.id}", botToken="reset")
    house.secrets.add(application["botToken"])
    if noticed_by == "gateway":
        house.people.fault("expire_sessions", applicationId=broken.application.id)
        house.people.fault("disconnect", applicationId=broken.application.id)
    else:
        path = f"{broken.guild_path(server)}/cases"
        owner.post(path, {"action": "kick", "targetId": server.join("nova")})

    status = broken.wait_state("token_invalid", "bots.token_invalid")
    assert status["message"]
    assert broken.module(server).content == before
    assert [one["guildId"] for one in broken.guilds()] == [server.id]

    owner.put(f"{broken.path}/token", {"token": application["botToken"]})
    broken.wait_state("online")
    assert owner.get(broken.path)["token"]["last4"] == application["botToken"][-4:]
    assert broken.module(server).content == before
    broken.wait_listening(server, "WHY DOES NOBODY ANSWER")
    bot.wait_state("online")


def test_a_missing_intent_names_what_it_costs_and_where_to_switch_it_on(owner: Owner) -> None:
    bot = online_bot(owner, flags=str(NO_MESSAGE_CONTENT))
    server = Server(owner.house)
    bot.enter(server)
    bot.change(server, words=WORDS)
    detail = bot.wait_state("degraded", "bots.intents_missing")["detail"]
    assert detail["missingIntents"] == ["MESSAGE_CONTENT"]
    assert detail["modules"] == ["automod"]
    assert bot.application.id in detail["portalUrl"]
    # What needs no message content works.
    member = server.join("nova")
    owner.post(f"{bot.guild_path(server)}/cases", {"action": "kick", "targetId": member})
    assert bot.wait_case(server)["state"] == "done"
    assert server.member(member) is None

    owner.house.people.patch(f"/applications/{bot.application.id}", flags=str(ALL_PRIVILEGED))
    owner.post(f"{bot.path}/stop")
    bot.wait_state("stopped")
    owner.post(f"{bot.path}/start")
    bot.wait_state("online")
    bot.wait_listening(server, "rumpelstilz")


def test_a_damaged_secret_stops_one_bot_alone(house: House, owner: Owner, bot: HostedBot) -> None:
    broken = online_bot(owner)
    house.ask(
        "UPDATE bot_tokens SET ciphertext = set_byte(ciphertext, 40, get_byte(ciphertext, 40) # 1),"
        " updated_at = now() WHERE bot_id = %s",
        broken.id,
    )
    status = broken.wait_state("stopped", "bots.secret_unavailable")
    assert status["message"]
    bot.wait_state("online")
    acts(bot)
    owner.put(f"{broken.path}/token", {"token": broken.application.token})
    broken.wait_state("online")


def test_a_secret_of_another_row_is_not_opened(house: House, owner: Owner) -> None:
    """Whoever can write to the table cannot make one bot speak with the token of another."""
    first, second = online_bot(owner), online_bot(owner)
    house.ask(
        "UPDATE bot_tokens SET updated_at = now(),"
        " ciphertext = (SELECT ciphertext FROM bot_tokens WHERE bot_id = %s) WHERE bot_id = %s",
        first.id,
        second.id,
    )
    second.wait_state("stopped", "bots.secret_unavailable")
    first.wait_state("online")


def test_a_stopped_bot_keeps_its_servers_and_a_removed_one_its_fortnight(owner: Owner) -> None:
    bot = online_bot(owner)
    server = Server(owner.house)
    bot.enter(server)
    bot.change(server, words=WORDS)
    before = bot.module(server).content
    owner.post(f"{bot.path}/stop")
    bot.wait_state("stopped")
    assert bot.module(server).content == before
    since = owner.house.people.now()
    member = server.join("nova")
    message = server.say(member, "rumpelstilz")
    assert message in {one["id"] for one in server.messages()}
    assert not owner.house.people.calls(since, applicationId=bot.application.id)
    owner.delete(bot.path)
    again = HostedBot.create(owner, Application(bot.application.id, bot.application.token))
    again.wait_state("online")
    assert again.id != bot.id
