"""`/mod`: every action opens a case, is done at Discord, and is refused to those who may not."""

from datetime import datetime, timedelta

import pytest
from support.discord_sandbox import DiscordSandbox
from support.engine import query
from support.scene import Scene

from .conftest import BOT_PERMISSIONS, House

MODERATE_MEMBERS = 1 << 40
BAN_MEMBERS = 1 << 2
MANAGE_MESSAGES = 1 << 13


async def said(answer: dict[str, object]) -> str:
    """The text only the asker sees."""
    assert answer["ephemeral"], answer
    message = answer["message"]
    assert isinstance(message, dict)
    return str(message["content"])


async def test_a_warning_is_told_logged_and_listed(house: House, scene: Scene) -> None:
    log = str(scene.channels["mod-log"])
    await house.configure(scene, "cases", {"logChannel": log, "nameModerator": True})
    nova = str(scene.people["nova"])
    answer = await scene.use("alex", "mod warn", member=nova, reason="be nice")
    assert await said(answer) == f"Case #1: Warning for <@{nova}> (nova)."
    assert await scene.direct_messages("nova") == [
        "You were warned in Home.\nReason: be nice\nModerator: alex"
    ]
    (embed,) = await scene.embeds()
    fields = {field["name"]: field["value"] for field in embed["fields"]}
    assert fields["Reason"] == "be nice"
    assert fields["Moderator"] == f"<@{scene.people['alex']}>"


async def test_a_note_stays_among_the_moderators(house: House, scene: Scene) -> None:
    nova = str(scene.people["nova"])
    await scene.use("alex", "mod note", user=nova, text="second account of somebody")
    await scene.use("alex", "mod warn", member=nova, reason="spam")
    assert await scene.direct_messages("nova") == ["You were warned in Home.\nReason: spam"]
    note, warning = await house.cases(scene, settled=2)
    assert (note["internal_note"], note["reason"]) == ("second account of somebody", None)
    assert warning["related"] == [1]
    shown = await scene.use("alex", "cases show", number=1)
    assert "second account of somebody" in str(shown["message"]["embeds"])
    assert shown["ephemeral"]


async def test_a_timeout_takes_its_duration_or_the_usual_one(house: House, scene: Scene) -> None:
    await house.configure(scene, "cases", {"defaultTimeoutMinutes": 15})
    nova = str(scene.people["nova"])
    await scene.use("alex", "mod timeout", member=nova)
    await scene.use("alex", "mod timeout", member=nova, duration="1h30m")
    usual, given = await house.cases(scene, settled=2)
    assert (usual["duration_seconds"], given["duration_seconds"]) == (900, 5400)
    ends = datetime.fromisoformat((await scene.member("nova"))["timedOutUntil"])
    assert ends == datetime.fromisoformat(given["created_at"]) + timedelta(minutes=90)


async def test_a_kick_a_ban_and_its_lifting(house: House, scene: Scene) -> None:
    guest = str(await scene.join("guest"))
    await scene.use("alex", "mod kick", member=guest, reason="bye")
    assert await scene.member("guest") is None
    nova = str(scene.people["nova"])
    await scene.use("alex", "mod ban", user=nova, reason="out")
    assert [ban["userId"] for ban in (await scene.guild())["bans"]] == [nova]
    await scene.use("alex", "mod unban", user=nova)
    assert (await scene.guild())["bans"] == []
    cases = await house.cases(scene, settled=3)
    assert [(case["number"], case["action"], case["state"]) for case in cases] == [
        (1, "kick", "done"),
        (2, "ban", "done"),
        (3, "unban", "done"),
    ]


async def test_who_is_not_banned_is_not_unbanned(house: House, scene: Scene) -> None:
    answer = await scene.use("alex", "mod unban", user=str(scene.people["nova"]))
    assert await said(answer) == "This person is not banned here."
    await scene.use("alex", "mod note", user=str(scene.people["nova"]), text="seen")
    assert [case["action"] for case in await house.cases(scene, settled=1)] == ["note"]


async def test_somebody_who_left_can_be_banned_but_not_kicked(scene: Scene) -> None:
    guest = str(await scene.join("guest"))
    await scene.control("DELETE", f"/guilds/{scene.guild_id}/members/{guest}")
    answer = await scene.use("alex", "mod kick", member=guest)
    assert await said(answer) == "This person is not a member of the server."
    await scene.use("alex", "mod ban", user=guest)
    assert [ban["userId"] for ban in (await scene.guild())["bans"]] == [guest]


async def test_a_purge_deletes_the_newest_messages_of_one_member(house: House, scene: Scene) -> None:
    kept = [await scene.say("alex", "mine"), await scene.say("nova", "oldest")]
    gone = [await scene.say("nova", f"spam {number}") for number in range(3)]
    answer = await scene.use("alex", "mod purge", count=3, member=str(scene.people["nova"]))
    assert await said(answer) == "Case #1: 3 messages deleted."
    left = [int(message["id"]) for message in await scene.messages()]
    assert left == kept
    assert not set(gone) & set(left)
    (case,) = await house.cases(scene, settled=1)
    assert (case["action"], case["channel_id"]) == ("purge", scene.channels["general"])


async def test_a_purge_that_finds_nothing_opens_no_case(house: House, scene: Scene) -> None:
    answer = await scene.use("alex", "mod purge", count=5)
    assert "no message to delete" in await said(answer)
    assert await query(house.database, "SELECT 1 FROM cases WHERE guild_id = %s", [scene.guild_id]) == []


@pytest.mark.parametrize(
    ("command", "lacking"),
    [("mod kick", "Kick Members"), ("mod ban", "Ban Members"), ("mod purge", "Manage Messages")],
)
async def test_each_action_asks_for_its_own_permission(scene: Scene, command: str, lacking: str) -> None:
    """Who sees `/mod` may time out; everything else is checked when it runs."""
    await scene.join("mod", permissions=MODERATE_MEMBERS)
    options = {
        "mod kick": {"member": str(scene.people["nova"])},
        "mod ban": {"user": str(scene.people["nova"])},
        "mod purge": {"count": 5},
    }
    answer = await scene.use("mod", command, **options[command])
    assert await said(answer) == f"You need the permission {lacking} to do this."
    assert await scene.member("nova") is not None


async def test_nobody_acts_on_an_equal_on_the_owner_on_the_bot_or_on_themselves(
    house: House, scene: Scene
) -> None:
    await scene.join("mod", permissions=MODERATE_MEMBERS | BAN_MEMBERS)
    boss = str(await scene.join("boss", permissions=MODERATE_MEMBERS))
    people = {
        boss: "The member's highest role is not below yours.",
        str(scene.people["alex"]): "Nobody can act on the owner of the server.",
        str(scene.people["mod"]): "You cannot do that to yourself.",
        str(scene.community.application_id): "I do not act on myself.",
    }
    for person, refusal in people.items():
        answer = await scene.use("mod", "mod timeout", member=person, duration="5m")
        assert await said(answer) == refusal
    assert await query(house.database, "SELECT 1 FROM cases WHERE guild_id = %s", [scene.guild_id]) == []


async def test_the_bot_says_what_it_lacks(house: House, discord: DiscordSandbox) -> None:
    scene = await house.scene(discord, permissions=BOT_PERMISSIONS & ~BAN_MEMBERS)
    answer = await scene.use("alex", "mod ban", user=str(scene.people["nova"]))
    assert await said(answer) == "I lack the permission Ban Members."
    assert await scene.refusals() == []


async def test_a_reason_can_be_demanded(house: House, scene: Scene) -> None:
    await house.configure(scene, "cases", {"requireReason": True})
    nova = str(scene.people["nova"])
    answer = await scene.use("alex", "mod warn", member=nova)
    assert "reason" in (await said(answer)).lower()
    await scene.use("alex", "mod warn", member=nova, reason="spam")
    (case,) = await house.cases(scene, settled=1)
    assert case["reason"] == "spam"


@pytest.mark.parametrize("duration", ["soon", "40d", "10s"])
async def test_a_duration_that_cannot_be_is_explained(house: House, scene: Scene, duration: str) -> None:
    answer = await scene.use("alex", "mod timeout", member=str(scene.people["nova"]), duration=duration)
    assert await said(answer)
    assert await query(house.database, "SELECT 1 FROM cases WHERE guild_id = %s", [scene.guild_id]) == []


async def test_a_frenchwoman_is_answered_in_french(scene: Scene) -> None:
    await scene.join("amelie", permissions=MODERATE_MEMBERS, locale="fr")
    answer = await scene.use("amelie", "mod warn", member=str(scene.people["nova"]), reason="du calme")
    assert (await said(answer)).startswith("Dossier nº 1\u00a0: Avertissement pour")


async def test_a_case_of_the_dashboard_is_carried_out_when_the_engine_is_nudged(
    house: House, scene: Scene
) -> None:
    nova = str(scene.people["nova"])
    number = await house.open_case(scene, action="timeout", target_id=int(nova), duration_seconds=600)
    await house.nudge()
    (case,) = await house.cases(scene, settled=1)
    assert (case["number"], case["state"]) == (number, "done")
    assert (await scene.member("nova"))["timedOutUntil"] is not None


async def test_who_asks_through_the_dashboard_must_stand_above_the_member(house: House, scene: Scene) -> None:
    low = await scene.join("low", permissions=1 << 2)
    high = await scene.join("high", permissions=1 << 2)
    stranger = "1100000000000000077"
    await house.open_case(scene, asker=str(low), action="ban", target_id=high)
    await house.open_case(scene, asker=stranger, action="ban", target_id=scene.people["nova"])
    await house.open_case(scene, asker=str(scene.people["alex"]), action="ban", target_id=high)
    await house.open_case(scene, asker=str(low), action="ban", target_id=scene.people["nova"])
    await house.nudge()
    cases = await house.cases(scene, settled=4)
    above = "cases.target_above_moderator"
    assert [case["failure"] for case in cases] == [above, above, None, None]
    assert await scene.member("high") is None
    assert await scene.member("nova") is None
