"""An engine that ends in the middle of its work is followed by one that loses and doubles nothing."""

import asyncio
from collections import Counter

import psycopg
from psycopg import sql
from sqlalchemy import make_url
from support.discord_sandbox import ALL_PRIVILEGED, DiscordSandbox
from support.engine import EngineProcess, query, until
from support.scene import Scene

from .conftest import House, settled_cases

BAD = "rumpelstilz"


async def hosted(process: EngineProcess, discord: DiscordSandbox) -> tuple[House, Scene]:
    """An engine of its own with its own application, in one server where a bad word means a warning."""
    made = await discord.post("/applications", name="Astero", flags=ALL_PRIVILEGED)
    house = House(discord.url, made["applicationId"], made["botToken"], process.database, process)
    process.environment["DISCORD_BOT_TOKEN"] = made["botToken"]
    process.start()
    await process.online()
    scene = await house.scene(discord)
    await house.configure(scene, "cases", {"logChannel": str(scene.channels["mod-log"])})
    await house.configure(scene, "automod", {"words": {"enabled": True, "words": [BAD], "action": "warn"}})
    await scene.gone(await scene.say("nova", BAD))
    return house, scene


async def flood(scene: Scene, count: int) -> None:
    path = f"/channels/{scene.channels['general']}/flood"
    body = {"userId": str(scene.people["nova"]), "content": BAD, "count": count, "perSecond": 40}
    await scene.control("POST", path, body)


async def check_that_nothing_was_lost_or_doubled(house: House, scene: Scene, messages: int) -> None:
    async def all_gone() -> bool:
        return await scene.messages() == []

    await until(all_gone)
    cases = await settled_cases(house.database, scene.guild_id, messages)
    assert [case["number"] for case in cases] == list(range(1, messages + 1))
    assert {case["state"] for case in cases} == {"done"}
    about = Counter(case["message_id"] for case in cases)
    assert set(about.values()) == {1}


async def test_stopped_as_an_operator_stops_it_another_goes_on_at_once(
    process: EngineProcess, discord: DiscordSandbox
) -> None:
    house, scene = await hosted(process, discord)
    flooding = asyncio.create_task(flood(scene, 40))
    await settled_cases(process.database, scene.guild_id, 10)
    assert process.stop() == 0
    assert await query(process.database, "SELECT 1 FROM bot_leases WHERE expires_at > now()") == []
    process.start()
    await flooding
    await check_that_nothing_was_lost_or_doubled(house, scene, 41)


async def test_an_intent_left_pending_is_carried_out(process: EngineProcess, discord: DiscordSandbox) -> None:
    """As if the engine had died between writing the case down and asking Discord."""
    house, scene = await hosted(process, discord)
    process.kill()
    number = await house.open_case(
        scene, action="timeout", target_id=scene.people["nova"], duration_seconds=3600
    )
    process.start()
    cases = await settled_cases(process.database, scene.guild_id, 2)
    assert [(case["number"], case["state"]) for case in cases] == [(1, "done"), (number, "done")]
    assert (await scene.member("nova"))["timedOutUntil"] is not None


async def test_what_was_written_while_nobody_listened_is_judged_without_a_session_to_resume(
    process: EngineProcess, discord: DiscordSandbox
) -> None:
    """And the commands, which have not changed, are not registered again."""
    house, scene = await hosted(process, discord)
    kept = await scene.say("nova", "harmless")
    assert process.stop() == 0
    await query(process.database, "DELETE FROM gateway_sessions")
    missed = [await scene.say("nova", f"{BAD} {number}") for number in range(3)]
    process.start()
    for message in missed:
        await scene.gone(message)
    cases = await settled_cases(process.database, scene.guild_id, 4)
    assert [case["message_id"] for case in cases[1:]] == missed
    assert [int(message["id"]) for message in await scene.messages()] == [kept]
    commands = f"/api/v10/applications/{house.application_id}/commands"
    puts = [e for e in await discord.log() if e.get("method") == "PUT" and e.get("path") == commands]
    assert len(puts) == 1


async def test_without_its_database_the_engine_waits_and_then_acts(
    process: EngineProcess, discord: DiscordSandbox
) -> None:
    """Connections are cut and refused for a while, as when PostgreSQL is stopped and started."""
    house, scene = await hosted(process, discord)
    name = process.database.name
    elsewhere = make_url(process.database.admin).set(database="postgres")
    address = elsewhere.render_as_string(hide_password=False)
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as admin:
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        await admin.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        message = await scene.say("nova", BAD)
        answer = await scene.use("alex", "cases list")
        assert answer["message"]["content"] == "I cannot reach my database right now. Try again in a moment."
        await admin.execute(allow.format(sql.Identifier(name), sql.SQL("true")))
    await scene.gone(message)
    await check_that_nothing_was_lost_or_doubled(house, scene, 2)
