"""discord.py logs in, sees its server, reads and deletes a message; all of it is in the log."""

import discord

from .conftest import BotStarter, House


async def test_a_bot_sees_its_server_and_what_people_write(house: House, connect: BotStarter) -> None:
    bot = await connect(house.token)
    guild = bot.get_guild(int(house.guild_id))
    assert guild is not None
    assert {channel.name for channel in guild.text_channels} == {"general", "mod-log"}
    assert guild.me.top_role.is_bot_managed()
    assert guild.me.guild_permissions.moderate_members

    await house.say("hello there")
    message = await bot.heard("message")
    assert message.content == "hello there"
    assert message.author.name == "nova"
    assert message.guild == guild


async def test_a_deleted_message_is_gone_from_the_channel(house: House, connect: BotStarter) -> None:
    bot = await connect(house.token)
    posted = await house.say("buy now")
    message = await bot.heard("message")
    await message.delete()
    deleted = await bot.heard("raw_message_delete")
    assert str(deleted.message_id) == posted["id"]
    shown = await house.server.get(f"/channels/{house.general}/messages")
    assert shown["messages"] == []


async def test_a_bot_answers_with_an_embed_and_edits_it(house: House, connect: BotStarter) -> None:
    bot = await connect(house.token)
    channel = bot.get_channel(int(house.mod_log))
    sent = await channel.send(embed=discord.Embed(title="Case 1", description="warn"))
    assert sent.embeds[0].title == "Case 1"
    await sent.edit(content="changed", embed=None)
    shown = await house.server.get(f"/channels/{house.mod_log}/messages")
    assert shown["messages"][0]["content"] == "changed"
    assert shown["messages"][0]["embeds"] == []
    assert shown["messages"][0]["edited_timestamp"]


async def test_joining_and_being_removed_reach_the_bot(house: House, connect: BotStarter) -> None:
    bot = await connect(house.token)
    other = await house.server.post("/guilds", name="Second", ownerId=house.owner)
    path = f"/guilds/{other['guildId']}/members"
    await house.server.post(path, applicationId=house.application_id)
    joined = await bot.heard("guild_join")
    assert joined.name == "Second"
    await house.server.ask("DELETE", f"{path}/{house.application_id}", None)
    left = await bot.heard("guild_remove")
    assert left.id == joined.id


async def test_the_log_shows_calls_and_frames_without_the_token(house: House, connect: BotStarter) -> None:
    since = (await house.server.get("/log"))["next"]
    bot = await connect(house.token)
    await house.say("one")
    await (await bot.heard("message")).delete()
    log = await house.server.control.get(f"/sandbox/log?since={since}")
    assert house.token not in log.text
    entries = log.json()["entries"]
    seen = [(e["kind"], e.get("event") or e.get("path")) for e in entries]
    assert ("gateway", "READY") in seen
    assert ("gateway", "MESSAGE_CREATE") in seen
    deletes = [e for e in entries if e.get("method") == "DELETE"]
    assert deletes[0]["status"] == 204
    assert deletes[0]["applicationId"] == house.application_id
    identify = next(e for e in entries if e.get("op") == 2)
    assert identify["body"]["d"]["token"] == "***"
