"""The main job, from one end to the other: a bad word goes, a case stands, the log channel shows it."""

from support.engine import EngineProcess, query, until
from support.scene import Scene


async def test_a_forbidden_word_is_deleted_and_opens_a_case(scene: Scene, engine: EngineProcess) -> None:
    await scene.use("alex", "automod addword", word="rumpelstilz")
    answer = await scene.use("alex", "automod toggle", rule="words", on=True)
    assert "on" in answer["message"]["content"]

    kept = await scene.say("nova", "a harmless remark")
    bad = await scene.say("nova", "you RUMPELSTILZ you")
    await scene.gone(bad)

    rows = await until(
        lambda: query(
            engine.database,
            "SELECT number, action, rule, target_id, state, message_id FROM cases WHERE state <> 'pending'",
        )
    )
    assert rows == [(1, "delete", "words", scene.people["nova"], "done", bad)]
    assert [int(message["id"]) for message in await scene.messages() if not message.get("embeds")] == [kept]
