"""What automod does to whom: the configured action, and nothing to those it must leave alone."""

import os
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.discord_sandbox import DiscordSandbox
from support.engine import query, until
from support.scene import Scene

from .conftest import BOT_PERMISSIONS, House

BAD = "well rumpelstilz"
MANAGE_MESSAGES = 1 << 13
MODERATE_MEMBERS = 1 << 40


async def switch_on(house: House, scene: Scene, **rule: Any) -> None:
    await house.configure(scene, "cases", {"logChannel": str(scene.channels["mod-log"])})
    words = {"enabled": True, "words": ["rumpelstilz"], **rule}
    await house.configure(scene, "automod", {"words": words})


async def judged(house: House, scene: Scene) -> None:
    """Returns when everything said before was judged: a message of nova's was, and it came last."""
    done = len(await query(house.database, "SELECT 1 FROM cases WHERE guild_id = %s", [scene.guild_id]))
    message = await scene.say("nova", BAD)
    await scene.gone(message)
    await house.cases(scene, settled=done + 1)


async def test_a_warning_reaches_the_member(house: House, scene: Scene) -> None:
    await switch_on(house, scene, action="warn")
    await scene.gone(await scene.say("nova", BAD))
    assert await scene.direct_messages("nova") == [
        "You were warned in Home.\nReason: A word that is not allowed here"
    ]
    (case,) = await house.cases(scene, settled=1)
    assert case["action"] == "warn"


async def test_a_timeout_ends_when_the_case_says(house: House, scene: Scene) -> None:
    await switch_on(house, scene, action="timeout", durationMinutes=30)
    await scene.gone(await scene.say("nova", BAD))
    (case,) = await house.cases(scene, settled=1)
    opened = datetime.fromisoformat(case["created_at"])
    assert datetime.fromisoformat(case["expires_at"]) == opened + timedelta(minutes=30)
    member = await scene.member("nova")
    assert datetime.fromisoformat(member["timedOutUntil"]) == datetime.fromisoformat(case["expires_at"])


@pytest.mark.parametrize("action", ["kick", "ban"])
async def test_an_author_is_removed(house: House, scene: Scene, action: str) -> None:
    await switch_on(house, scene, action=action, durationMinutes=0)
    await scene.gone(await scene.say("nova", BAD))

    async def removed() -> bool:
        return await scene.member("nova") is None

    await until(removed)
    banned = [ban["userId"] for ban in (await scene.guild())["bans"]]
    assert banned == ([str(scene.people["nova"])] if action == "ban" else [])
    (told,) = await scene.direct_messages("nova")
    assert told.startswith("You were")


async def test_the_french_server_reads_french(house: House, scene: Scene) -> None:
    await switch_on(house, scene, action="warn")
    await house.configure(scene, "cases", {"language": "fr"})
    await scene.gone(await scene.say("nova", BAD))
    (embed,) = await scene.embeds()
    assert embed["title"] == "Dossier nº 1 · Avertissement"
    assert (await scene.direct_messages("nova"))[0].startswith("Vous avez reçu un avertissement sur Home.")


async def test_staff_are_left_alone_without_a_word(house: House, scene: Scene) -> None:
    await switch_on(house, scene)
    await scene.join("mod", permissions=MANAGE_MESSAGES)
    kept = await scene.say("mod", BAD)
    await judged(house, scene)
    assert kept in {int(message["id"]) for message in await scene.messages()}
    assert [embed["title"] for embed in await scene.embeds()] == ["Case #1 · Message deleted"]


async def test_exempt_roles_and_channels_are_left_alone(house: House, scene: Scene) -> None:
    await scene.join("friend", roles=["Moderator"])
    await scene.guild()
    guild = await scene.guild()
    role = next(role["id"] for role in guild["roles"] if role["name"] == "Moderator")
    quiet = await scene.control("POST", f"/guilds/{scene.guild_id}/channels", {"name": "quiet"})
    await scene.guild()
    await switch_on(house, scene, exemptRoles=[role], exemptChannels=[quiet["id"]])
    kept = {await scene.say("friend", BAD), await scene.say("nova", BAD, channel="quiet")}
    await judged(house, scene)
    there = [*await scene.messages(), *await scene.messages("quiet")]
    assert kept <= {int(message["id"]) for message in there}


async def test_the_owner_is_never_acted_on_and_the_log_says_so_once(house: House, scene: Scene) -> None:
    await switch_on(house, scene, action="ban")
    kept = {await scene.say("alex", BAD), await scene.say("alex", BAD)}
    (embed,) = await scene.embeds()
    await judged(house, scene)
    assert kept <= {int(message["id"]) for message in await scene.messages()}
    assert embed["title"] == "Automod could not act"
    assert f"<@{scene.people['alex']}>" in embed["description"]
    titles = [embed["title"] for embed in await scene.embeds(at_least=2)]
    assert titles == ["Automod could not act", "Case #1 · Ban"]


async def test_a_member_above_the_bot_is_named_once_until_the_cause_is_gone(
    house: House, scene: Scene
) -> None:
    await switch_on(house, scene)
    role = await scene.control("POST", f"/guilds/{scene.guild_id}/roles", {"name": "High"})
    high = await scene.join("high", roles=["High"])
    for _ in range(2):
        await scene.say("high", BAD)
    await judged(house, scene)
    titles = [embed["title"] for embed in await scene.embeds(at_least=2)]
    assert titles.count("Automod could not act") == 1

    member = f"/guilds/{scene.guild_id}/members/{high}"
    await scene.control("PATCH", member, {"roles": []})
    await scene.gone(await scene.say("high", BAD))
    await scene.control("PATCH", member, {"roles": [role["id"]]})
    await scene.say("high", BAD)
    titles = [embed["title"] for embed in await scene.embeds(at_least=4)]
    assert titles.count("Automod could not act") == 2


async def test_without_permission_to_delete_the_log_says_so_once(
    house: House, discord: DiscordSandbox
) -> None:
    scene = await house.scene(discord, permissions=BOT_PERMISSIONS & ~MANAGE_MESSAGES)
    await switch_on(house, scene)
    for _ in range(3):
        await scene.say("nova", BAD)
    # what is told of another channel comes after everything that was to be told of this one
    await scene.say("nova", BAD, channel="mod-log")
    general, log = await scene.embeds(at_least=2)
    assert f"<#{scene.channels['general']}>" in general["description"]
    assert f"<#{scene.channels['mod-log']}>" in log["description"]
    found = await query(house.database, "SELECT 1 FROM cases WHERE guild_id = %s", [scene.guild_id])
    assert found == []
    # Nothing was sent that Discord had to refuse.
    refused = [e for e in await scene.refusals() if e["status"] == 403]
    assert refused == []


async def test_an_action_discord_refuses_is_a_failed_case_with_its_reason(
    house: House, discord: DiscordSandbox
) -> None:
    scene = await house.scene(discord, permissions=BOT_PERMISSIONS & ~MODERATE_MEMBERS)
    await switch_on(house, scene, action="timeout")
    await scene.gone(await scene.say("nova", BAD))
    (case,) = await house.cases(scene, settled=1)
    assert (case["state"], case["failure"]) == ("failed", "cases.missing_moderate_members")
    (embed,) = await scene.embeds()
    assert {"name": "Not done", "value": "I lack the permission Time Out Members.", "inline": False} in embed[
        "fields"
    ]


async def test_a_flood_is_deleted_together_with_a_case_for_each_message(house: House, scene: Scene) -> None:
    await switch_on(house, scene, action="timeout")
    # from here on the bot hears messages as they come; the first rule of all takes a second identify
    await scene.join("early")
    await scene.gone(await scene.say("early", BAD))
    await house.cases(scene, settled=1)
    path = f"/channels/{scene.channels['general']}/flood"
    flood = {"userId": str(scene.people["nova"]), "content": BAD, "count": 40}
    # all of them wait when the first is read, however quickly Discord sends
    os.kill(house.engine.pid, signal.SIGSTOP)
    try:
        assert await scene.control("POST", path, flood)
    finally:
        os.kill(house.engine.pid, signal.SIGCONT)
    first, *cases = await house.cases(scene, settled=41)
    assert first["target_id"] == scene.people["early"]
    assert [case["number"] for case in cases] == list(range(2, 42))
    assert [case["action"] for case in cases].count("timeout") == 1
    assert {case["state"] for case in cases} == {"done"}
    assert await scene.messages() == []
    calls = [entry for entry in await scene.calls() if "messages" in entry["path"]]
    assert [entry for entry in calls if entry["path"].endswith("/bulk-delete")]
    assert len([entry for entry in calls if entry["method"] == "DELETE"]) < 20


async def test_other_bots_and_webhooks_are_none_of_its_business(
    house: House, scene: Scene, discord: DiscordSandbox
) -> None:
    await switch_on(house, scene)
    other = await discord.post("/applications", name="Other")
    await discord.post(f"/guilds/{scene.guild_id}/members", applicationId=other["applicationId"])
    rest = f"/channels/{scene.channels['general']}/messages"
    answer = await scene.rest("POST", rest, token=other["botToken"], body={"content": BAD})
    await judged(house, scene)
    assert answer["id"] in {message["id"] for message in await scene.messages()}


async def test_a_temporary_ban_is_lifted_when_its_time_is_over(house: House, scene: Scene) -> None:
    await switch_on(house, scene, action="ban", durationMinutes=60)
    await scene.gone(await scene.say("nova", BAD))
    (case,) = await house.cases(scene, settled=1)
    assert datetime.fromisoformat(case["expires_at"]) > datetime.now(UTC)  # noqa: TID251 - as the row tells
    await query(
        house.database,
        "UPDATE cases SET expires_at = now() - interval '1 second' WHERE guild_id = %s RETURNING 1",
        [scene.guild_id],
    )

    async def lifted() -> bool:
        return (await scene.guild())["bans"] == []

    await until(lifted)
    lines = [embed["description"] for embed in await scene.embeds(at_least=2) if embed.get("description")]
    assert lines == [f"Case #1: the ban of <@{scene.people['nova']}> is over."]
