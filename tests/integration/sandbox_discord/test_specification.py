"""Every route is driven once, and every answer is held against Discord's own OpenAPI document."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx
import pytest

from astero_sandbox.discord.rest.mount import RESOURCES
from astero_sandbox.discord.rest.routing import ROUTES

from .conftest import House, Server, make_house
from .specification import Specification, specification

# Routes Discord has and its document leaves out.
UNDOCUMENTED = {"/oauth2/token", "/oauth2/token/revoke"}
REASON = {"X-Audit-Log-Reason": "because"}


class Judge:
    """Calls the API and collects what the document would not accept."""

    def __init__(self, spec: Specification, client: httpx.AsyncClient) -> None:
        self._spec = spec
        self._client = client
        self.problems: list[str] = []

    async def __call__(self, method: str, path: str, expected: int, **more: Any) -> Any:
        answer = await self._client.request(method, path, **more)
        assert answer.status_code == expected, (method, path, answer.status_code, answer.text)
        bare = path.split("?", maxsplit=1)[0]
        if bare not in UNDOCUMENTED:
            self.problems += self._spec.problems(method, bare, answer)
        return answer.json() if answer.content else None


@pytest.fixture
async def judge(house: House) -> AsyncIterator[Judge]:
    async with house.server.rest(house.token) as client:
        judge = Judge(specification(), client)
        yield judge
        assert judge.problems == []


class Gateway:
    """A bare socket that hands out interactions as they come."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def interaction(self) -> dict[str, Any]:
        async with asyncio.timeout(60):
            while True:
                frame = await self._socket.receive_json()
                if frame["t"] == "INTERACTION_CREATE":
                    return frame["d"]


@pytest.fixture
async def gateway(house: House) -> AsyncIterator[Gateway]:
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(f"{house.server.url}/?v=10&encoding=json")
        await socket.send_json({"op": 2, "d": {"token": house.token, "intents": 1, "properties": {}}})
        frame = {"t": None}
        while frame["t"] != "READY":
            frame = await socket.receive_json()
        yield Gateway(socket)
        await socket.close()


MESSAGE = {
    "content": "hello @everyone",
    "embeds": [
        {
            "title": "Case 1",
            "description": "warn",
            "color": 0xFF0000,
            "url": "https://example.test/",
            "timestamp": "2026-11-23T12:00:00.000Z",
            "footer": {"text": "Astero"},
            "author": {"name": "Alex"},
            "fields": [{"name": "Rule", "value": "caps", "inline": True}],
            "image": {"url": "https://example.test/a.png"},
        }
    ],
    "components": [
        {
            "type": 1,
            "components": [
                {"type": 2, "style": 1, "label": "Undo", "custom_id": "undo"},
                {"type": 2, "style": 5, "label": "Site", "url": "https://example.test/"},
            ],
        },
        {
            "type": 1,
            "components": [
                {
                    "type": 3,
                    "custom_id": "rule",
                    "options": [{"label": "Caps", "value": "caps", "description": "all of it"}],
                }
            ],
        },
        *[{"type": 1, "components": [{"type": kind, "custom_id": f"pick{kind}"}]} for kind in (5, 6, 8)],
    ],
    "nonce": "n-1",
}


async def test_the_application_and_its_commands(house: House, judge: Judge) -> None:
    await judge("GET", "/gateway", 200)
    await judge("GET", "/gateway/bot", 200)
    await judge("GET", "/users/@me", 200)
    await judge("GET", f"/users/{house.nova}", 200)
    await judge("GET", "/users/@me/guilds?with_counts=true", 200)
    await judge("GET", "/oauth2/applications/@me", 200)
    await judge("GET", "/applications/@me", 200)
    await judge("PATCH", "/applications/@me", 200, json={"description": "moderates"})
    command = {
        "name": "mod",
        "description": "Moderate",
        "default_member_permissions": "8192",
        "options": [
            {
                "type": 1,
                "name": "warn",
                "description": "Warn",
                "options": [
                    {"type": 6, "name": "who", "description": "Who", "required": True},
                    {
                        "type": 3,
                        "name": "why",
                        "description": "Why",
                        "max_length": 100,
                        "choices": [{"name": "Spam", "value": "spam"}],
                    },
                    {"type": 4, "name": "times", "description": "Times", "min_value": 1},
                    {"type": 7, "name": "where", "description": "Where", "channel_types": [0]},
                ],
            },
            {
                "type": 2,
                "name": "case",
                "description": "Cases",
                "options": [{"type": 1, "name": "show", "description": "Show"}],
            },
        ],
    }
    app = f"/applications/{house.application_id}"
    for base in (f"{app}/commands", f"{app}/guilds/{house.guild_id}/commands"):
        made = await judge("POST", base, 201, json=command)
        await judge("POST", base, 200, json=command)
        await judge("GET", base, 200)
        await judge("GET", f"{base}/{made['id']}", 200)
        await judge("PATCH", f"{base}/{made['id']}", 200, json={"description": "New"})
        await judge("DELETE", f"{base}/{made['id']}", 204)
        user_command = {"name": "Show cases", "type": 2}
        await judge("PUT", base, 200, json=[command, user_command])
        await judge("POST", base, 400, json={"name": "UPPER", "description": "x"})
        await judge("GET", f"{base}/1", 404)


async def test_messages_and_reactions(house: House, judge: Judge) -> None:
    base = f"/channels/{house.general}"
    sent = await judge("POST", f"{base}/messages", 200, json=MESSAGE)
    one = f"{base}/messages/{sent['id']}"
    reply = {"content": "reply", "message_reference": {"message_id": sent["id"]}}
    await judge("POST", f"{base}/messages", 200, json=reply)
    await judge("PATCH", one, 200, json={"content": "edited", "embeds": []})
    files = {
        "payload_json": (None, '{"content": "file"}', "application/json"),
        "files[0]": ("a.txt", b"text", "text/plain"),
    }
    await judge("POST", f"{base}/messages", 200, files=files)
    await judge("PUT", f"{one}/reactions/%F0%9F%91%8D/@me", 204)
    await judge("GET", one, 200)
    await judge("GET", f"{one}/reactions/%F0%9F%91%8D", 200)
    await judge("DELETE", f"{one}/reactions/%F0%9F%91%8D/@me", 204)
    await judge("DELETE", f"{one}/reactions/%F0%9F%91%8D/{house.nova}", 204)
    await judge("DELETE", f"{one}/reactions", 204)
    await judge("POST", f"{base}/typing", 204)
    listed = await judge("GET", f"{base}/messages?limit=10", 200)
    await judge("DELETE", one, 204)
    ids = [message["id"] for message in listed]
    await judge("POST", f"{base}/messages/bulk-delete", 204, json={"messages": ids})
    await judge("POST", f"{base}/messages", 400, json={"content": "x" * 2001})
    dm = await judge("POST", "/users/@me/channels", 200, json={"recipient_id": house.nova})
    await judge("POST", f"/channels/{dm['id']}/messages", 200, json={"content": "hi"})
    await judge("GET", f"/channels/{dm['id']}", 200)


async def test_the_guild_its_members_and_bans(house: House, judge: Judge) -> None:
    guild = f"/guilds/{house.guild_id}"
    member = f"{guild}/members/{house.nova}"
    moderator = house.roles["Moderator"]
    await judge("GET", f"{guild}?with_counts=true", 200)
    await judge("GET", f"{guild}/members?limit=10", 200)
    await judge("GET", member, 200)
    await judge("PATCH", f"{guild}/members/@me", 200, json={"nick": "Helper"})
    until = "2026-11-24T00:00:00+00:00"
    body = {"nick": "Nov", "roles": [moderator], "communication_disabled_until": until}
    await judge("PATCH", member, 200, json=body, headers=REASON)
    await judge("DELETE", f"{member}/roles/{moderator}", 204, headers=REASON)
    await judge("PUT", f"{member}/roles/{moderator}", 204, headers=REASON)
    await judge("DELETE", member, 204, headers=REASON)
    await judge("PUT", f"{guild}/bans/{house.nova}", 204, json={}, headers=REASON)
    await judge("GET", f"{guild}/bans", 200)
    await judge("GET", f"{guild}/bans/{house.nova}", 200)
    await judge("DELETE", f"{guild}/bans/{house.nova}", 204, headers=REASON)
    await judge("GET", f"{guild}/bans/{house.nova}", 404)
    await allow(house, ["ADMINISTRATOR"])
    await judge("POST", f"{guild}/bulk-ban", 200, json={"user_ids": [house.nova, house.owner]})
    await judge("GET", f"{guild}/audit-logs", 200)
    await judge("DELETE", f"/users/@me/guilds/{house.guild_id}", 204)
    await judge("GET", guild, 403)


async def test_channels_and_roles(house: House, judge: Judge) -> None:
    await allow(house, ["ADMINISTRATOR"])
    guild = f"/guilds/{house.guild_id}"
    made = await judge("POST", f"{guild}/channels", 201, json={"name": "logs", "topic": "cases"})
    channel = f"/channels/{made['id']}"
    overwrite = f"{channel}/permissions/{house.guild_id}"
    await judge("PUT", overwrite, 204, json={"type": 0, "allow": "0", "deny": "2048"})
    await judge("GET", channel, 200)
    await judge("GET", f"{guild}/channels", 200)
    await judge("DELETE", overwrite, 204)
    await judge("PATCH", channel, 200, json={"name": "case-log"})
    await judge("DELETE", channel, 200)
    role = await judge("POST", f"{guild}/roles", 200, json={"name": "Muted", "color": 255})
    await judge("GET", f"{guild}/roles", 200)
    await judge("GET", f"{guild}/roles/{role['id']}", 200)
    await judge("PATCH", f"{guild}/roles/{role['id']}", 200, json={"name": "Quiet"})
    await judge("DELETE", f"{guild}/roles/{role['id']}", 204)
    await judge("GET", f"{guild}/audit-logs?limit=100", 200)


async def allow(house: House, names: list[str]) -> None:
    roles = (await house.server.get(f"/guilds/{house.guild_id}"))["roles"]
    managed = next(role["id"] for role in roles if role["managed"])
    path = f"/guilds/{house.guild_id}/roles/{managed}"
    await house.server.ask("PATCH", path, {"permissions": names})


async def test_interactions_and_follow_ups(house: House, judge: Judge, gateway: Gateway) -> None:
    app = house.application_id
    command = {"name": "go", "description": "Go"}
    await judge("POST", f"/applications/{app}/commands", 201, json=command)

    def use(**body: Any) -> asyncio.Task[Any]:
        path = f"/channels/{house.general}/interactions"
        return asyncio.create_task(house.server.post(path, userId=house.owner, applicationId=app, **body))

    async def answer(kind: int, data: Any, expected: int = 200) -> str:
        interaction = await gateway.interaction()
        path = f"/interactions/{interaction['id']}/{interaction['token']}/callback"
        query = "?with_response=true" if expected == 200 else ""
        await judge("POST", path + query, expected, json={"type": kind, "data": data})
        return f"/webhooks/{app}/{interaction['token']}"

    seen = use(command="go")
    hook = await answer(4, MESSAGE | {"flags": 64})
    panel = (await seen)["message"]["id"]
    await judge("GET", f"{hook}/messages/@original", 200)
    await judge("PATCH", f"{hook}/messages/@original", 200, json={"content": "changed"})
    more = await judge("POST", hook, 200, json={"content": "more", "flags": 64})
    await judge("GET", f"{hook}/messages/{more['id']}", 200)
    await judge("PATCH", f"{hook}/messages/{more['id']}", 200, json={"content": "less"})
    await judge("DELETE", f"{hook}/messages/{more['id']}", 204)

    seen = use(messageId=panel, customId="undo")
    await answer(7, {"content": "undone"})
    await seen
    seen = use(messageId=panel, customId="rule", values=["caps"])
    await answer(6, None, 204)
    await seen
    seen = use(messageId=panel, customId="undo")
    field = {"type": 4, "style": 1, "custom_id": "why"}
    label = {"type": 18, "label": "Why", "component": field}
    await answer(9, {"custom_id": "m", "title": "Why", "components": [label]})
    await seen
    seen = use(modal={"customId": "m", "fields": {"why": "so"}})
    hook = await answer(5, {"flags": 64})
    await judge("POST", hook, 200, json={"content": "there"})
    assert (await seen)["message"]["content"] == "there"
    await judge("DELETE", f"{hook}/messages/@original", 204)
    seen = use(command="go")
    await answer(99, {}, 400)
    await seen


async def test_errors_have_the_documented_shape(house: House, judge: Judge) -> None:
    await judge("GET", "/channels/1", 404)
    await judge("GET", "/channels/x", 400)
    await judge("GET", "/guilds/1/members/2", 404)
    for _ in range(5):
        await judge("POST", f"/channels/{house.general}/typing", 204)
    await judge("POST", f"/channels/{house.general}/typing", 429)


async def test_the_person_behind_a_bearer_token(server: Server) -> None:
    house = await make_house(server)
    path = f"/applications/{house.application_id}"
    secret = (await server.ask("PATCH", path, {}))["clientSecret"]
    query = {
        "client_id": house.application_id,
        "response_type": "code",
        "redirect_uri": "http://localhost/",
        "scope": "identify email guilds",
    }
    async with httpx.AsyncClient(base_url=server.url) as browser:
        form = {"user_id": house.owner, "decision": "authorize"}
        sent = await browser.post("/oauth2/authorize", params=query, data=form)
        code = httpx.URL(sent.headers["location"]).params["code"]
        body = {"grant_type": "authorization_code", "code": code, "redirect_uri": "http://localhost/"}
        token = await browser.post("/api/v10/oauth2/token", data=body, auth=(house.application_id, secret))
    headers = {"Authorization": f"Bearer {token.json()['access_token']}"}
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v10", headers=headers) as client:
        judge = Judge(specification(), client)
        await judge("GET", "/users/@me", 200)
        await judge("GET", "/users/@me/guilds", 200)
        await judge("GET", "/oauth2/@me", 200)
        assert judge.problems == []


def test_every_route_served_is_one_that_discord_has() -> None:
    assert RESOURCES
    spec = specification()
    unknown = [
        (route.method, route.path)
        for route in ROUTES
        if route.path not in UNDOCUMENTED and spec.operation(route.method, route.path) is None
    ]
    assert unknown == []
