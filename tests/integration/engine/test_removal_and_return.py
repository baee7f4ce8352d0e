"""A server that loses its bot keeps everything for 14 days; an outage is no removal."""

from datetime import timedelta
from typing import Any

import httpx
from support.discord_sandbox import ALL_PRIVILEGED, DiscordSandbox
from support.engine import EngineProcess, query, until
from support.scene import Scene
from support.seeds import set_removed_at

from astero_shared.clock import utc_now
from astero_shared.features.bots.tables import SHARED_BOT_ID

from .conftest import BOT_PERMISSIONS, House, installed

MANAGE_GUILD = 1 << 5


async def kick_the_bot(scene: Scene) -> None:
    path = f"/guilds/{scene.guild_id}/members/{scene.community.application_id}"
    await scene.control("DELETE", path)


async def add_the_bot(scene: Scene) -> None:
    await scene.control(
        "POST",
        f"/guilds/{scene.guild_id}/members",
        {"applicationId": str(scene.community.application_id), "permissions": str(BOT_PERMISSIONS)},
    )


async def installations(house: House, scene: Scene) -> list[Any]:
    return await query(
        house.database,
        "SELECT id, removed_at IS NOT NULL, removed_by, present FROM installations"
        " WHERE guild_id = %s ORDER BY id",
        [scene.guild_id],
    )


async def removed(house: House, scene: Scene) -> None:
    async def is_removed() -> bool:
        return all(row[1:] == (True, "discord", False) for row in await installations(house, scene))

    await until(is_removed)


async def configured(house: House, scene: Scene) -> Any:
    return await query(
        house.database,
        "SELECT module, revision, config::text, updated_at FROM module_configs m"
        " JOIN installations i ON i.id = m.installation_id AND i.removed_at IS NULL"
        " WHERE m.guild_id = %s ORDER BY module",
        [scene.guild_id],
    )


async def the_offer(scene: Scene) -> Any:
    """The message with the button, in the channel people see first."""

    async def posted() -> Any:
        return next((m for m in await scene.messages() if m["components"]), None)

    return await until(posted)


async def test_a_kicked_bot_that_comes_back_brings_everything_back_with_one_button(
    house: House, scene: Scene
) -> None:
    await house.configure(scene, "automod", {"words": {"enabled": True, "words": ["rumpelstilz"]}})
    await scene.gone(await scene.say("nova", "rumpelstilz"))
    await house.cases(scene, settled=1)
    before = await configured(house, scene)
    await kick_the_bot(scene)
    await removed(house, scene)

    await add_the_bot(scene)
    offer = await the_offer(scene)
    # Until somebody decides, the bot starts afresh.
    assert await configured(house, scene) == []
    refused = await scene.press("nova", offer, "restore")
    assert refused["message"]["content"] == "You need the permission Manage Server to do this."
    assert refused["ephemeral"]
    await scene.press("alex", offer, "restore")

    async def restored() -> bool:
        return await configured(house, scene) == before

    await until(restored)
    (message,) = [m for m in await scene.messages() if m["embeds"]]
    assert message["components"] == []
    assert f"<@{scene.people['alex']}>" in message["embeds"][0]["description"]
    # The rules work again, and the numbers go on.
    await scene.gone(await scene.say("nova", "rumpelstilz"))
    assert [case["number"] for case in await house.cases(scene, settled=2)] == [1, 2]


async def test_after_14_days_the_button_says_that_it_is_too_late(house: House, scene: Scene) -> None:
    await house.configure(scene, "cases", {"requireReason": True})
    await kick_the_bot(scene)
    await removed(house, scene)
    await add_the_bot(scene)
    offer = await the_offer(scene)
    set_removed_at(house.database.admin, utc_now() - timedelta(days=14), guild_id=scene.guild_id)
    await scene.press("alex", offer, "restore")

    async def told() -> bool:
        (message,) = [m for m in await scene.messages() if m["embeds"]]
        return "14 days" in message["embeds"][0]["description"] and not message["components"]

    await until(told)
    assert await configured(house, scene) == []


async def test_a_bot_that_was_never_there_offers_nothing(house: House, scene: Scene) -> None:
    await house.configure(scene, "automod", {"words": {"enabled": True, "words": ["rumpelstilz"]}})
    # read after everything that its arrival has brought about
    await scene.gone(await scene.say("nova", "rumpelstilz"))
    assert await scene.messages() == []


async def test_an_outage_removes_nothing(house: House, scene: Scene) -> None:
    await house.configure(scene, "automod", {"words": {"enabled": True, "words": ["rumpelstilz"]}})
    before = await configured(house, scene)
    outage = f"/guilds/{scene.guild_id}/outage"
    await scene.control("POST", outage, {"unavailable": True})
    await scene.control("POST", outage, {"unavailable": False})
    # What is said now is heard after the server came back, so the outage has been dealt with.
    await scene.gone(await scene.say("nova", "rumpelstilz"))
    assert await configured(house, scene) == before
    assert [row[1:] for row in await installations(house, scene)] == [(False, None, True)]


async def test_a_server_removed_in_the_dashboard_is_left(house: House, scene: Scene) -> None:
    await query(
        house.database,
        "UPDATE installations SET removed_at = now(), removed_by = 'user' WHERE guild_id = %s",
        [scene.guild_id],
    )
    await house.nudge()

    async def left() -> bool:
        gone = str(scene.community.application_id) not in (await scene.guild())["bots"]
        return gone and (await installations(house, scene))[0][1:] == (True, "user", False)

    await until(left)


async def test_commands_in_a_server_removed_in_the_dashboard_say_so(house: House, scene: Scene) -> None:
    await query(
        house.database,
        "UPDATE installations SET removed_at = now(), removed_by = 'user', present = false"
        " WHERE guild_id = %s",
        [scene.guild_id],
    )
    answer = await scene.use("alex", "automod status")
    assert answer["message"]["content"].startswith("I was removed from this server in the dashboard.")


async def test_what_happened_while_the_engine_was_down_is_seen_when_it_is_back(
    process: EngineProcess, discord: DiscordSandbox
) -> None:
    made = await discord.post("/applications", name="Astero", flags=ALL_PRIVILEGED)
    house = House(discord.url, made["applicationId"], made["botToken"], process.database, process)
    process.environment["DISCORD_BOT_TOKEN"] = made["botToken"]
    process.start()
    await process.online()
    gone, stays = await house.scene(discord), await house.scene(discord)
    assert process.stop() == 0
    # The session that could be resumed is forgotten, as after a longer absence.
    await query(process.database, "DELETE FROM gateway_sessions")
    await kick_the_bot(gone)
    new = await discord.post("/guilds", name="New", ownerId=str(gone.people["alex"]))
    await discord.post(f"/guilds/{new['guildId']}/members", applicationId=made["applicationId"])
    process.start()
    await removed(house, gone)
    found = "SELECT 1 FROM installations WHERE bot_id = %s AND guild_id = %s AND removed_at IS NULL"
    await until(lambda: query(process.database, found, [SHARED_BOT_ID, int(new["guildId"])]))
    await installed(process.database, stays)
    async with httpx.AsyncClient(verify=False) as http:  # noqa: S501 - no TLS here
        assert (await process.client(http).reconcile(SHARED_BOT_ID)).held
