"""The main job, from one end to the other: a bad word goes, a case stands, the log channel shows it."""

from support.scene import Scene

from .conftest import House


async def test_a_forbidden_word_is_deleted_and_opens_a_case(house: House, scene: Scene) -> None:
    await house.configure(scene, "cases", {"logChannel": str(scene.channels["mod-log"])})
    await scene.use("alex", "automod addword", word="rumpelstilz")
    answer = await scene.use("alex", "automod toggle", rule="words", on=True)
    assert answer["ephemeral"]
    assert answer["message"]["content"] == "The rule “Words” is on."

    kept = await scene.say("nova", "a harmless remark")
    bad = await scene.say("nova", "you RUMPELSTILZ you")
    await scene.gone(bad)

    (case,) = await house.cases(scene, settled=1)
    assert (case["number"], case["action"], case["rule"], case["state"]) == (1, "delete", "words", "done")
    assert (case["target_id"], case["message_id"]) == (scene.people["nova"], bad)
    assert [int(message["id"]) for message in await scene.messages()] == [kept]
    (embed,) = await scene.embeds("mod-log")
    assert embed["title"] == "Case #1 · Message deleted"
    shown = {field["name"]: field["value"] for field in embed["fields"]}
    assert shown["Moderator"] == "Automod"
    assert shown["Member"] == f"<@{scene.people['nova']}> (nova)"
    assert shown["Internal note"] == "Found: rumpelstilz"


async def test_an_edit_is_judged_as_well(house: House, scene: Scene) -> None:
    await house.configure(scene, "automod", {"words": {"enabled": True, "words": ["rumpelstilz"]}})
    message = await scene.say("nova", "a harmless remark")
    await scene.edit(message, "rumpelstilz after all")
    await scene.gone(message)
    (case,) = await house.cases(scene, settled=1)
    assert case["message_id"] == message
