"""What a member of staff does in Discord arrives, signed, at the consumer that `just up` shows."""

from typing import Any

import httpx
from standardwebhooks import Webhook
from support.hosted import HostedBot
from support.server import Server

MODERATOR = ("Moderator",)


def messages(bot: HostedBot, path: str) -> list[dict[str, Any]]:
    url = f"{bot.house.stack.webhooks_url}/sandbox/messages"
    found = httpx.get(url, trust_env=False).json()["messages"]
    return [one for one in found if one["path"] == path]


def test_a_warning_in_discord_arrives_signed(bot: HostedBot, server: Server) -> None:
    moderator, member = server.join("max", roles=MODERATOR), server.join("nova")
    path, house = f"/{server.id}", bot.house
    made = bot.owner.post(
        f"/api/bots/{bot.id}/guilds/{server.id}/webhooks", {"url": f"{house.stack.consumer_url}{server.id}"}
    )
    # the first answer is a failure: what follows is the retry after five seconds
    fault = {"status": 503, "times": 1, "retryAfter": 1}
    httpx.post(f"{house.stack.webhooks_url}/sandbox/faults", json=fault, trust_env=False)
    server.use(moderator, bot.application.id, "mod warn", member=member, reason="a word of the moderator")
    first, second = house.wait(
        lambda: messages(bot, path), lambda found: len(found) == 2, what="the message and its retry"
    )
    for one in (first, second):
        told = Webhook(made["secret"]).verify(one["body"], one["headers"])
        assert told["type"] == "case.opened"
        assert told["data"]["action"] == "warn"
        assert told["data"]["source"] == "command"
        assert told["data"]["actor"] == {"kind": "member", "id": moderator}
        assert (told["data"]["targetId"], told["data"]["guildId"]) == (member, server.id)
        assert "a word of the moderator" not in one["body"]
    assert first["headers"]["webhook-id"] == second["headers"]["webhook-id"]
    shown = httpx.get(house.stack.webhooks_url, trust_env=False).text
    assert first["headers"]["webhook-id"] in shown
    assert not [line for lines in house.lines.values() for line in lines if made["secret"] in line]
