"""Bodies of the wrong shape get a refusal, on every route that takes one; never a 500."""

import re
from typing import Any

import pytest

from astero_sandbox.discord.rest.mount import RESOURCES
from astero_sandbox.discord.rest.routing import ROUTES, Route

from .conftest import Bot, BotStarter, House

DEEP: Any = []
for _ in range(200):
    DEEP = [DEEP]

ODD: list[Any] = [
    None,
    1,
    "text",
    [],
    [1],
    [None],
    {},
    {"type": 4, "data": 1},
    {"type": "4"},
    {"type": 4, "data": {"content": 1}},
    {"type": 4, "data": {"embeds": [1], "components": [1]}},
    {"type": 9, "data": {"custom_id": 1, "title": 1, "components": [1, {"type": 18, "component": 1}]}},
    {"type": 9, "data": {"components": [{"type": 1, "components": [1]}]}},
    {"type": 8, "data": {"choices": [1]}},
    {"content": 1},
    {"content": None},
    {"content": "x", "flags": "x"},
    {"content": "x", "flags": 1 << 80},
    {"content": "x", "nonce": {}},
    {"content": "x", "allowed_mentions": 1},
    {"content": "x", "allowed_mentions": {"parse": 1, "users": 1, "roles": ["x"]}},
    {"content": "x", "message_reference": 1},
    {"content": "x", "message_reference": {"message_id": "x"}},
    {"content": "x", "embeds": "x"},
    {"content": "x", "embeds": [None, 1]},
    {"content": "x", "embeds": [{"fields": 1, "footer": 1, "author": 1, "color": "x"}]},
    {"content": "x", "embeds": [{"fields": [1, {"name": 1}]}]},
    {"content": "x", "components": "x"},
    {"content": "x", "components": [1, {"type": 1}, {"type": 1, "components": 1}]},
    {"content": "x", "components": [{"type": 1, "components": [1, {"type": 3, "options": [1]}]}]},
    {"content": "x", "components": [{"type": [], "components": [{"type": {}, "custom_id": 1}]}]},
    {"content": "x", "components": DEEP},
    {"content": "x", "attachments": 1},
    {"messages": 1},
    {"messages": [1, None]},
    {"recipient_id": []},
    {"nick": 1},
    {"nick": "x", "roles": 1},
    {"roles": [None, "x"]},
    {"communication_disabled_until": 1},
    {"communication_disabled_until": "soon"},
    {"delete_message_seconds": "x"},
    {"delete_message_seconds": 1e9},
    {"user_ids": ["x", None]},
    {"name": 1, "description": 1},
    {"name": "x", "description": "x", "options": [1]},
    {"name": "x", "description": "x", "options": [{"type": [], "name": 1, "options": 1}]},
    {
        "name": "x",
        "description": "x",
        "options": [{"type": 3, "name": "y", "description": "z", "choices": [1]}],
    },
    {"name": "x", "description": "x", "default_member_permissions": {}},
    {"name": "x", "description": "x", "contexts": 1, "integration_types": 1},
    {"name": "x", "permissions": [], "color": "x"},
    {"name": "x", "permission_overwrites": [1, {"id": "x", "type": 0, "allow": []}]},
    {"name": "x", "type": 4},
    {"allow": "x", "deny": -1, "type": 0},
    {"flags": "x", "tags": 1, "description": []},
    {"grant_type": 1, "code": []},
]


@pytest.fixture
async def bot(house: House, connect: BotStarter) -> Bot:
    return await connect(house.token)


def filled(route: Route, house: House, message_id: str) -> str:
    known = {
        "channel_id": house.general,
        "guild_id": house.guild_id,
        "user_id": house.nova,
        "application_id": house.application_id,
        "webhook_id": house.application_id,
        "message_id": message_id,
        "role_id": house.roles["Moderator"],
        "overwrite_id": house.guild_id,
    }
    return re.sub(r"\{(\w+)\}", lambda match: known.get(match[1], "1"), route.path)


WITH_BODY = [route for route in ROUTES if route.method in ("POST", "PUT", "PATCH")]


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: f"{route.method} {route.path}")
async def test_a_body_of_the_wrong_shape_is_refused(house: House, route: Route) -> None:
    assert RESOURCES
    roles = (await house.server.get(f"/guilds/{house.guild_id}"))["roles"]
    managed = next(role["id"] for role in roles if role["managed"])
    path = f"/guilds/{house.guild_id}/roles/{managed}"
    await house.server.ask("PATCH", path, {"permissions": ["ADMINISTRATOR"]})
    async with house.server.rest(house.token) as rest:
        own = await rest.post(f"/channels/{house.general}/messages", json={"content": "mine"})
        target = filled(route, house, own.json()["id"])
        for body in ODD:
            await house.server.fault("clear")
            answer = await rest.request(route.method, target, json=body)
            assert answer.status_code < 500, (route.method, target, body)


CONTROLS = [
    ("POST", "/applications"),
    ("PATCH", "/applications/{app}"),
    ("POST", "/users"),
    ("POST", "/guilds"),
    ("POST", "/guilds/{guild}/members"),
    ("PATCH", "/guilds/{guild}/members/{nova}"),
    ("POST", "/guilds/{guild}/channels"),
    ("POST", "/guilds/{guild}/roles"),
    ("POST", "/guilds/{guild}/outage"),
    ("POST", "/channels/{general}/messages"),
    ("POST", "/channels/{general}/flood"),
    ("POST", "/channels/{general}/interactions"),
    ("POST", "/faults"),
]
ODD_CONTROLS: list[Any] = [
    1,
    [],
    {},
    {"name": 1, "flags": "x"},
    {"name": "x", "ownerId": "x"},
    {"name": "x", "ownerId": 1},
    {"name": "x", "redirectUris": 1},
    {"username": []},
    {"userId": {}, "content": 1},
    {"userId": 1, "content": "x"},
    {"applicationId": 1},
    {"roles": 1},
    {"roles": ["nobody"]},
    {"nick": 1},
    {"permissions": ["FLY"]},
    {"name": "x", "overwrites": 1},
    {"name": "x", "overwrites": [1]},
    {"name": "x", "position": -1},
    {"unavailable": "x"},
    {"kind": "rest"},
    {"kind": "rest", "status": "x"},
    {"kind": "rest", "status": 500, "path": "("},
    {"kind": "rest", "latency": "x"},
    {"kind": "rest", "status": 429, "retry_after": "x"},
    {"kind": "outage", "seconds": "x"},
    {"kind": "close", "code": 1},
    {"kind": "nothing"},
]


@pytest.mark.parametrize(("method", "path"), CONTROLS)
async def test_a_wrong_control_call_is_told_what_is_wrong(house: House, method: str, path: str) -> None:
    target = path.format(
        app=house.application_id, guild=house.guild_id, nova=house.nova, general=house.general
    )
    for body in ODD_CONTROLS:
        answer = await house.server.control.request(method, f"/sandbox{target}", json=body)
        assert answer.status_code < 500, (method, path, body)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert set(answer.json()) == {"type", "title", "status", "code", "detail"}
    unknown = re.sub(r"\d{6,}", "1", target)
    if unknown != target:
        answer = await house.server.control.request(method, f"/sandbox{unknown}", json={})
        assert answer.status_code == 404, (method, unknown)
