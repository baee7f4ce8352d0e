"""`/settings`: every setting of every module can be seen and changed in Discord."""

from typing import Any

from support.engine import query, until
from support.scene import Scene

from .conftest import House

MANAGE_GUILD = 1 << 5


def controls(message: Any) -> list[str]:
    return [item["custom_id"] for row in message["components"] for item in row["components"]]


def fields(message: Any) -> dict[str, str]:
    return {field["name"]: field["value"] for field in message["embeds"][0]["fields"]}


class Panel:
    """One open panel; every control answers the panel as it is then."""

    def __init__(self, scene: Scene, name: str) -> None:
        self.scene = scene
        self.name = name
        self.message: Any = None

    async def open(self) -> Any:
        answer = await self.scene.use(self.name, "settings")
        assert answer["ephemeral"]
        self.message = answer["message"]
        return self.message

    async def press(self, control: str, *values: str) -> Any:
        answer = await self.scene.press(self.name, self.message, control, list(values) or None)
        self.message = answer["message"] or self.message
        return answer

    async def to(self, module: str, group: str, setting: str) -> Any:
        """From the start to one setting."""
        await self.open()
        await self.press("settings:module", module)
        if group != "-":
            await self.press(f"settings:group:{module}", group)
        await self.press(f"settings:field:{module}:{group}", setting)
        return self.message

    async def write(self, module: str, path: str, text: str) -> Any:
        """Open the form of a setting and send it."""
        form = await self.press(f"settings:edit:{module}:{path}")
        assert form["modal"]["custom_id"] == f"settings:save:{module}:{path}"
        answer = await self.scene.submit(self.name, f"settings:save:{module}:{path}", value=text)
        self.message = answer["message"] or self.message
        return answer


async def stored(house: House, scene: Scene, module: str) -> Any:
    rows = await query(
        house.database,
        "SELECT config, revision FROM module_configs WHERE guild_id = %s AND module = %s",
        [scene.guild_id, module],
    )
    return rows[0] if rows else None


async def test_a_channel_is_picked_and_cleared(house: House, scene: Scene) -> None:
    panel = Panel(scene, "alex")
    shown = await panel.to("cases", "-", "logChannel")
    assert fields(shown)["Now"] == "None"
    log = str(scene.channels["mod-log"])
    await panel.press("settings:set:cases:logChannel", log)
    assert fields(panel.message)["✅"] == f"Log channel: None → <#{log}>"
    config, revision = await stored(house, scene, "cases")
    assert (config["logChannel"], revision) == (log, 1)
    await panel.press("settings:clear:cases:logChannel")
    config, revision = await stored(house, scene, "cases")
    assert (config["logChannel"], revision) == (None, 2)
    revisions = await query(
        house.database,
        "SELECT actor_kind, actor_id FROM module_revisions WHERE guild_id = %s ORDER BY revision",
        [scene.guild_id],
    )
    assert revisions == [("member", str(scene.people["alex"]))] * 2


async def test_a_number_is_written_and_a_wrong_one_is_explained(house: House, scene: Scene) -> None:
    panel = Panel(scene, "alex")
    await panel.to("cases", "-", "defaultTimeoutMinutes")
    answer = await panel.write("cases", "defaultTimeoutMinutes", "99999999")
    assert [said["content"] for said in answer["followups"]] == ["Expected a whole number from 1 to 40320."]
    assert await stored(house, scene, "cases") is None
    await panel.write("cases", "defaultTimeoutMinutes", "15")
    assert fields(panel.message)["✅"] == "Usual timeout in minutes: `60` → `15`"


async def test_a_list_is_written_line_by_line_and_a_rule_switched_on(house: House, scene: Scene) -> None:
    panel = Panel(scene, "alex")
    await panel.to("automod", "words", "words")
    await panel.write("automod", "words.words", "rumpelstilz\n\n two   words \n")
    config, _ = await stored(house, scene, "automod")
    assert config["words"]["words"] == ["rumpelstilz", "two words"]
    await panel.to("automod", "words", "enabled")
    await panel.press("settings:set:automod:words.enabled:true")

    async def is_on() -> bool:
        return (await stored(house, scene, "automod"))[0]["words"]["enabled"]

    await until(is_on)
    await scene.gone(await scene.say("nova", "two words"))


async def test_an_action_and_roles_are_chosen(house: House, scene: Scene) -> None:
    panel = Panel(scene, "alex")
    await panel.to("automod", "links", "action")
    await panel.press("settings:set:automod:links.action", "ban")
    guild = await scene.guild()
    role = next(role["id"] for role in guild["roles"] if role["name"] == "Moderator")
    await panel.to("automod", "links", "exemptRoles")
    await panel.press("settings:set:automod:links.exemptRoles", role)
    config, _ = await stored(house, scene, "automod")
    assert (config["links"]["action"], config["links"]["exemptRoles"]) == ("ban", [role])


async def test_every_setting_of_every_module_has_a_control(scene: Scene) -> None:
    panel = Panel(scene, "alex")
    await panel.open()
    (select,) = controls(panel.message)
    modules = [option["value"] for option in panel.message["components"][0]["components"][0]["options"]]
    assert modules == ["automod", "cases"]
    assert select == "settings:module"
    for module in modules:
        await panel.open()
        await panel.press("settings:module", module)
        first = panel.message["components"][0]["components"][0]
        groups = (
            [option["value"] for option in first["options"]] if ":group:" in first["custom_id"] else ["-"]
        )
        for group in groups[:2]:
            await panel.open()
            await panel.press("settings:module", module)
            if group != "-":
                await panel.press(f"settings:group:{module}", group)
            options = panel.message["components"][0]["components"][0]["options"]
            for option in options:
                shown = await panel.press(f"settings:field:{module}:{group}", option["value"])
                own = [one for one in controls(shown["message"]) if not one.startswith("settings:group:")]
                assert own, option
                await panel.press(f"settings:group:{module}:{group}:0")


async def test_the_panel_speaks_french_to_the_french(scene: Scene) -> None:
    await scene.join("amelie", permissions=MANAGE_GUILD, locale="fr")
    panel = Panel(scene, "amelie")
    shown = await panel.to("cases", "-", "notifyMember")
    assert fields(shown)["Valeur actuelle"] == "Activé"


async def test_controls_work_for_nobody_who_may_not_manage_the_server(house: House, scene: Scene) -> None:
    """The panel was opened while its owner still held the permission."""
    member = await scene.join("deputy", permissions=MANAGE_GUILD)
    panel = Panel(scene, "deputy")
    await panel.to("cases", "-", "notifyMember")
    path = f"/guilds/{scene.guild_id}/members/{member}"
    await scene.control("PATCH", path, {"roles": []})
    answer = await panel.press("settings:set:cases:notifyMember:false")
    assert "Manage Server" in str(answer)
    assert await stored(house, scene, "cases") is None
