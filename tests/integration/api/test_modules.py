"""A server's settings: read, changed, conflicting, brought back."""

import asyncio
import json
from dataclasses import dataclass
from uuid import UUID

import httpx
import psycopg
import pytest
from support.api import browser, log_in, register
from support.hosting import GUILD, insert_bot, insert_installation
from support.stack import Database

from astero_api.web.edge import Edge
from astero_shared.features.automod.config import AutomodConfig
from astero_shared.features.modules.patches import encode_config

DEFAULTS = json.loads(json.dumps(encode_config(AutomodConfig())))


@dataclass(frozen=True)
class Hosted:
    client: httpx.AsyncClient
    bot_id: UUID

    @property
    def modules(self) -> str:
        return f"/api/bots/{self.bot_id}/guilds/{GUILD}/modules"


@pytest.fixture
async def hosted(client: httpx.AsyncClient, database: Database) -> Hosted:
    user = await register(client)
    await log_in(client)
    bot_id = insert_bot(database.admin, user["id"])
    insert_installation(database.admin, bot_id)
    return Hosted(client, bot_id)


async def test_untouched_settings_are_the_defaults(hosted: Hosted) -> None:
    answer = await hosted.client.get(f"{hosted.modules}/automod")
    assert answer.status_code == 200
    assert answer.headers["etag"] == '"0"'
    assert answer.json() == {
        "module": "automod",
        "revision": 0,
        "updatedAt": None,
        "config": DEFAULTS,
    }


async def test_a_patch_makes_a_revision_and_leaves_the_rest(hosted: Hosted) -> None:
    answer = await hosted.client.patch(
        f"{hosted.modules}/automod", json={"words": {"enabled": True, "words": ["spam"]}}
    )
    assert answer.status_code == 200
    assert answer.headers["etag"] == '"1"'
    assert answer.json()["config"]["words"]["words"] == ["spam"]
    read = await hosted.client.get(f"{hosted.modules}/automod")
    assert read.json() == answer.json()
    back = await hosted.client.patch(f"{hosted.modules}/automod", json={"words": None})
    assert back.json()["config"] == DEFAULTS
    assert back.json()["revision"] == 2


async def test_a_patch_that_changes_nothing_makes_no_revision(hosted: Hosted, database: Database) -> None:
    answer = await hosted.client.patch(f"{hosted.modules}/automod", json={"words": {"enabled": False}})
    assert answer.json()["revision"] == 0
    with psycopg.connect(database.admin) as connection:
        row = connection.execute("SELECT count(*) FROM module_revisions").fetchone()
    assert row == (0,)


async def test_what_the_client_has_is_not_sent_again(hosted: Hosted) -> None:
    url = f"{hosted.modules}/automod"
    for tag in ('"0"', 'W/"0"', '"7", "0"', "*"):
        answer = await hosted.client.get(url, headers={"If-None-Match": tag})
        assert answer.status_code == 304
        assert answer.content == b""
        assert answer.headers["etag"] == '"0"'
        assert "content-type" not in answer.headers
    assert (await hosted.client.get(url, headers={"If-None-Match": '"1"'})).status_code == 200


@pytest.mark.parametrize("tag", ['"1"', 'W/"0"', "0", "", '"0', '"00"'])
async def test_a_change_built_on_another_revision_is_refused(hosted: Hosted, tag: str) -> None:
    answer = await hosted.client.patch(
        f"{hosted.modules}/automod", json={"words": {"enabled": True}}, headers={"If-Match": tag}
    )
    assert answer.status_code == 412
    assert (await hosted.client.get(f"{hosted.modules}/automod")).json()["revision"] == 0


@pytest.mark.parametrize("tag", ['"0"', '"5", "0"', "*"])
async def test_a_change_built_on_this_revision_is_taken(hosted: Hosted, tag: str) -> None:
    answer = await hosted.client.patch(
        f"{hosted.modules}/automod", json={"words": {"enabled": True}}, headers={"If-Match": tag}
    )
    assert answer.status_code == 200


async def test_of_two_changes_of_one_revision_one_is_refused(hosted: Hosted) -> None:
    answers = await asyncio.gather(
        *(
            hosted.client.patch(
                f"{hosted.modules}/automod",
                json={"words": {"words": [f"word{number}"]}},
                headers={"If-Match": '"0"'},
            )
            for number in range(4)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


async def test_changes_without_a_revision_all_arrive_one_after_the_other(hosted: Hosted) -> None:
    answers = await asyncio.gather(
        *(
            hosted.client.patch(f"{hosted.modules}/automod", json={rule: {"enabled": True}})
            for rule in ("words", "links", "invites", "caps")
        )
    )
    assert sorted(answer.json()["revision"] for answer in answers) == [1, 2, 3, 4]
    config = (await hosted.client.get(f"{hosted.modules}/automod")).json()["config"]
    assert all(config[rule]["enabled"] for rule in ("words", "links", "invites", "caps"))


@pytest.mark.parametrize(
    ("patch", "pointer"),
    [
        ({"words": {"enabled": "yes"}}, "/words/enabled"),
        ({"words": {"words": ["ok", ""]}}, "/words/words/1"),
        ({"nonsense": 1}, "/nonsense"),
        ({"words": 5}, "/words"),
        ({"words": {"exemptRoles": [12]}}, "/words/exemptRoles/0"),
    ],
)
async def test_a_refused_setting_is_pointed_at(
    hosted: Hosted, patch: dict[str, object], pointer: str
) -> None:
    answer = await hosted.client.patch(f"{hosted.modules}/automod", json=patch)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await hosted.client.get(f"{hosted.modules}/automod")).json()["revision"] == 0


async def test_a_patch_is_an_object(hosted: Hosted) -> None:
    for body in ("[]", '"x"', "1", "null", "true"):
        answer = await hosted.client.patch(
            f"{hosted.modules}/automod", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 422, body


async def test_an_earlier_revision_comes_back_as_a_new_one(hosted: Hosted, database: Database) -> None:
    url = f"{hosted.modules}/automod"
    first = await hosted.client.patch(url, json={"words": {"enabled": True, "words": ["a1", "b2"]}})
    await hosted.client.patch(url, json={"words": {"words": []}})
    restored = await hosted.client.post(f"{url}/revisions/1/restore")
    assert restored.status_code == 200
    assert restored.json()["revision"] == 3
    assert restored.json()["config"] == first.json()["config"]
    assert (await hosted.client.post(f"{url}/revisions/9/restore")).status_code == 404
    page = (await hosted.client.get(f"{url}/revisions?limit=2")).json()
    assert [item["revision"] for item in page["items"]] == [3, 2]
    assert page["items"][0]["actor"]["kind"] == "user"
    rest = (await hosted.client.get(f"{url}/revisions?limit=2&cursor={page['nextCursor']}")).json()
    assert [item["revision"] for item in rest["items"]] == [1]
    assert rest["nextCursor"] is None
    with psycopg.connect(database.admin) as connection:
        rows = connection.execute(
            "SELECT action, details->>'changed' FROM audit_entries WHERE guild_id IS NOT NULL ORDER BY id"
        ).fetchall()
    assert rows[0] == ("module:config:updated", '["words"]')
    assert rows[2][0] == "module:config:restored"


async def test_modules_are_described_in_the_readers_language(client: httpx.AsyncClient) -> None:
    english = (await client.get("/api/modules")).json()["items"]
    french = (await client.get("/api/modules", headers={"Accept-Language": "de, fr;q=0.8, en;q=0.7"})).json()[
        "items"
    ]
    assert [item["module"] for item in english] == ["automod", "cases"]
    assert english[0]["schema"]["$schema"].startswith("https://json-schema.org/")
    assert english[0]["groups"] != french[0]["groups"]


async def test_every_module_is_listed_with_its_settings(hosted: Hosted) -> None:
    items = (await hosted.client.get(hosted.modules)).json()["items"]
    assert [item["module"] for item in items] == ["automod", "cases"]


@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_what_is_another_users_is_not_there(hosted: Hosted, api: Edge, method: str) -> None:
    async with browser(api, address="198.51.100.9") as eve:
        await register(eve, "eve@example.com")
        await log_in(eve, "eve@example.com")
        body = {"json": {"words": {"enabled": True}}} if method == "PATCH" else {}
        theirs = await eve.request(method, f"{hosted.modules}/automod", **body)
        unknown = await eve.request(method, f"/api/bots/{UUID(int=7)}/guilds/{GUILD}/modules/automod", **body)
        assert theirs.status_code == unknown.status_code == 404
        assert theirs.json()["code"] == unknown.json()["code"] == "bots.not_found"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("guilds/{guild}/modules/nonsense", "modules.not_found"),
        ("guilds/1109000000000000002/modules/automod", "installations.not_found"),
        ("guilds/01/modules/automod", "installations.not_found"),
        ("guilds/99999999999999999999/modules/automod", "installations.not_found"),
        ("guilds/١٢٣/modules/automod", "installations.not_found"),
        ("guilds/-1/modules/automod", "installations.not_found"),
        ("guilds/%00/modules/automod", "installations.not_found"),
        ("guilds/{guild}/modules/automod/revisions/x/restore", "not_found"),
    ],
)
async def test_what_does_not_exist_is_404(hosted: Hosted, path: str, code: str) -> None:
    url = f"/api/bots/{hosted.bot_id}/" + path.format(guild=GUILD)
    method = "POST" if path.endswith("restore") else "GET"
    answer = await hosted.client.request(method, url)
    assert answer.status_code == 404
    assert answer.json()["code"] == code
