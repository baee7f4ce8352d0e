"""With a state file a restart continues: the same tokens, servers, messages and ids."""

import subprocess
from pathlib import Path

import httpx
import orjson
import pytest

from .conftest import Server, address_of, make_house, start, stop


async def test_a_restart_continues_with_the_same_data(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "discord.json"
    process = start("--state", str(file))
    try:
        async with httpx.AsyncClient(base_url=address_of(process)) as control:
            house = await make_house(Server(process, str(control.base_url), control))
            for number in range(250):
                last = await house.say(f"{number}")
            await house.server.post(
                f"/guilds/{house.guild_id}/members", userId=house.nova, roles=["Moderator"]
            )
            async with house.server.rest(house.token) as rest:
                command = {"name": "go", "description": "Go"}
                await rest.post(f"/applications/{house.application_id}/commands", json=command)
    finally:
        stop(process)
    assert process.returncode == 0
    assert file.stat().st_mode & 0o777 == 0o600

    process = start("--state", str(file))
    try:
        url = address_of(process)
        async with httpx.AsyncClient(base_url=url) as control:
            house.server = Server(process, url, control)
            async with house.server.rest(house.token) as rest:
                me = (await rest.get("/users/@me")).json()
                commands = await rest.get(f"/applications/{house.application_id}/commands")
            assert me["id"] == house.application_id
            assert [command["name"] for command in commands.json()] == ["go"]
            assert (await house.member(house.nova))["roleNames"] == ["Moderator"]
            path = f"/channels/{house.general}/messages"
            messages = (await house.server.get(path))["messages"]
            assert [message["content"] for message in messages] == [str(n) for n in range(50, 250)]
            assert int((await house.say("next"))["id"]) > int(last["id"])
    finally:
        stop(process)


@pytest.mark.parametrize("content", [b"{", b'{"version": 2}', orjson.dumps({"users": 1})])
def test_a_state_file_that_cannot_be_read_is_not_thrown_away(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "discord.json"
    file.write_bytes(content)
    process = start("--state", str(file))
    try:
        assert process.wait(20) == 78
    except subprocess.TimeoutExpired:
        pytest.fail("it started with a state it cannot read")
    finally:
        stop(process)
    assert file.read_bytes() == content


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    first = start()
    try:
        port = address_of(first).rpartition(":")[2]
        second = start("--port", port)
        try:
            assert second.wait(20) == 78
        finally:
            stop(second)
    finally:
        stop(first)
