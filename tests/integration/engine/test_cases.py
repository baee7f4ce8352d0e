"""`/cases`: what moderators look up, page by page, and the one thing they may change."""

from support.engine import query
from support.scene import Scene

from .conftest import House

MODERATE_MEMBERS = 1 << 40


async def test_cases_are_listed_newest_first_and_turned_page_by_page(house: House, scene: Scene) -> None:
    for number in range(1, 13):
        opened = await house.open_case(
            scene, action="note", target_id=scene.people["nova"], target_name="nova", reason=f"r{number}"
        )
        assert opened == number
    await house.nudge()
    await house.cases(scene, settled=12)

    answer = await scene.use("alex", "cases list")
    assert answer["ephemeral"]
    lines = answer["message"]["embeds"][0]["description"].splitlines()
    assert [line.split()[0] for line in lines] == [f"**#{number}**" for number in range(12, 2, -1)]
    (row,) = answer["message"]["components"]
    (button,) = row["components"]
    older = await scene.press("alex", answer["message"], button["custom_id"])
    lines = older["message"]["embeds"][0]["description"].splitlines()
    assert [line.split()[0] for line in lines] == ["**#2**", "**#1**"]
    assert older["message"]["components"] == []


async def test_the_list_can_be_narrowed_to_a_member_and_an_action(house: House, scene: Scene) -> None:
    other = await scene.join("other")
    await house.open_case(scene, action="note", target_id=scene.people["nova"])
    await house.open_case(scene, action="warn", target_id=scene.people["nova"])
    await house.open_case(scene, action="warn", target_id=other)
    nova = str(scene.people["nova"])
    answer = await scene.use("alex", "cases list", member=nova, action="warn")
    assert [line.split()[0] for line in answer["message"]["embeds"][0]["description"].splitlines()] == [
        "**#2**"
    ]
    answer = await scene.use("alex", "cases list", member=str(scene.people["alex"]))
    assert answer["message"]["embeds"][0]["description"] == "There are no cases here yet."


async def test_a_reason_is_changed_and_the_change_is_audited(house: House, scene: Scene) -> None:
    await scene.use("alex", "mod warn", member=str(scene.people["nova"]), reason="first thought")
    answer = await scene.use("alex", "cases reason", number=1, reason="second thought")
    assert answer["message"]["content"] == (
        "Case #1: the reason was “first thought” and is now “second thought”."
    )
    (case,) = await house.cases(scene, settled=1)
    assert case["reason"] == "second thought"
    audit = await query(
        house.database,
        "SELECT actor_kind, actor_id, target FROM audit_entries"
        " WHERE guild_id = %s AND action = 'case:case:edited'",
        [scene.guild_id],
    )
    assert audit == [("member", str(scene.people["alex"]), "1")]


async def test_a_case_that_is_not_there_is_said_so(scene: Scene) -> None:
    answer = await scene.use("alex", "cases show", number=99)
    assert answer["message"]["content"] == "There is no case #99 in this server."
    assert answer["ephemeral"]


async def test_members_see_no_cases(scene: Scene) -> None:
    answer = await scene.use("nova", "cases list")
    assert answer == {"refused": "missing_permissions"}
