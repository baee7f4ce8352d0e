"""Every route that says it leaves an audit row is called, and leaves what is written here and no more."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any

import httpx
import psycopg
from support.api import PASSWORD, browser, log_in, register
from support.discord_world import World, begin
from support.hosting import GUILD, insert_installation
from support.mfa import App, first_step, forget_used
from support.office import running_office
from support.passkeys import Key, options

from astero_api.web.openapi import documented_path
from astero_api.web.policy import AuditClass, declared_routes, policy_of
from astero_shared.audit.actions import AuditAction as Did
from astero_shared.ids import new_id
from astero_shared.scope import SYSTEM, Actor

OTHER_PASSWORD = "five-words-that-nobody-guesses"


class Story:
    """One person's days. Each call is by its route, and names the actions that it tells of, oldest first."""

    def __init__(
        self, world: World, client: httpx.AsyncClient, user_id: str, admin: psycopg.Connection[Any]
    ) -> None:
        self.world = world
        self.admin = admin
        self.client = client
        self.user_id = user_id
        self.places: dict[str, str] = {"guildId": str(GUILD), "module": "cases", "revision": "1"}
        self.driven: set[tuple[str, str]] = set()
        self._known = 0

    @property
    def account(self) -> str:
        return f"account:{self.user_id}"

    @property
    def guild(self) -> str:
        return "guild:{botId}:{guildId}".format_map(self.places)

    async def does(
        self,
        method: str,
        route: str,
        *told: Did,
        body: Any = None,
        query: str = "",
        chain: str | None = None,
        actor: Actor | None = None,
        by: httpx.AsyncClient | None = None,
    ) -> Any:
        """The answer's body. What was told meanwhile by others does not count."""
        self._new()
        asked = {} if body is None else {"json": body}
        answer = await (by or self.client).request(method, route.format_map(self.places) + query, **asked)
        assert answer.status_code < 400, (method, route, answer.text)
        self.driven.add((method, route))
        self.is_told(*told, chain=chain, actor=actor)
        return answer.json() if answer.content else None

    def is_told(self, *told: Did, chain: str | None = None, actor: Actor | None = None) -> None:
        who = ("user", self.user_id) if actor is None else (actor.kind, actor.id)
        wanted = [(action.value, *who, chain or self.account) for action in told]
        assert self._new() == wanted

    def link(self, purpose: str, email: str | None = None) -> dict[str, str]:
        """What a letter would have held."""
        token = token_urlsafe(32)
        self.admin.execute(
            "INSERT INTO account_tokens (id, user_id, purpose, token_hash, email, created_at, expires_at)"
            " VALUES (%s, %s, %s, %s, %s, now(), now() + interval '5 minutes')",
            [new_id(), self.user_id, purpose, sha256(token.encode()).digest(), email],
        )
        return {"token": token}

    @asynccontextmanager
    async def elsewhere(self) -> AsyncIterator[httpx.AsyncClient]:
        async with browser(self.world.edge, address="203.0.113.2") as found:
            yield found

    def _new(self) -> list[tuple[Any, ...]]:
        seen = self.admin.execute(
            "SELECT action, actor_kind, actor_id, chain FROM audit_entries ORDER BY id OFFSET %s",
            [self._known],
        ).fetchall()
        self._known += len(seen)
        return seen


async def test_every_route_that_says_so_leaves_its_audit_row(world: World) -> None:
    with psycopg.connect(world.database.admin, autocommit=True) as admin:
        async with browser(world.edge) as client:
            new = await register(client)
            story = Story(world, client, new["id"], admin)
            jar = client.cookies
            for number, chapter in enumerate(
                (moves_in, hosts_a_bot, manages_a_server, takes_keys, connects_discord, moves_out)
            ):
                # so much at once is more than one address may ask
                async with browser(world.edge, address=f"198.51.100.{number}") as story.client:
                    story.client.cookies.update(jar)
                    await chapter(story)
                    jar = story.client.cookies
    declared = {
        (method, documented_path(route))
        for route, handler in declared_routes(world.edge.litestar)
        if (policy := policy_of(handler)) is not None and policy.audit is not AuditClass.NONE
        for method in handler.http_methods - {"OPTIONS", "HEAD"}
    }
    assert story.driven == declared


async def moves_in(story: Story) -> None:
    story.is_told(Did.ACCOUNT_REGISTERED)
    mine = {"email": "ana@example.com", "password": PASSWORD}
    await story.does("POST", "/api/auth/register", Did.REGISTRATION_REPEATED, body=mine, actor=SYSTEM)
    await story.does("POST", "/api/auth/login", Did.SESSION_STARTED, body=mine)
    await story.does("POST", "/api/auth/email/resend", Did.ADDRESS_VERIFICATION_ASKED)
    verify = story.link("verify", mine["email"])
    await story.does("POST", "/api/auth/email/verify", Did.ADDRESS_VERIFIED, body=verify)
    await story.does("PATCH", "/api/users/me", Did.ACCOUNT_UPDATED, body={"displayName": "Ana"})
    # the next token of a session is no change
    await story.does("POST", "/api/auth/refresh")
    proof = {"password": PASSWORD}
    await story.does("POST", "/api/auth/reauthenticate", Did.SESSION_REAUTHENTICATED, body=proof)
    async with story.elsewhere() as phone:
        await log_in(phone)
        mine = (await phone.get("/api/auth/sessions")).json()["items"]
        story.places["sessionId"] = next(one["id"] for one in mine if one["current"])
    await story.does("DELETE", "/api/auth/sessions/{sessionId}", Did.SESSION_ENDED)


async def hosts_a_bot(story: Story) -> None:
    app = await story.world.discord.post("/applications", name="Guard")
    token = {"token": app["botToken"]}
    story.places["botId"] = (await story.does("POST", "/api/bots", Did.BOT_CREATED, body=token))["id"]
    bot = "/api/bots/{botId}"
    await story.does("PATCH", bot, Did.BOT_UPDATED, body={"name": "Warden"})
    await story.does("PUT", f"{bot}/token", Did.BOT_TOKEN_REPLACED, body=token)
    await story.does("POST", f"{bot}/stop", Did.BOT_STOPPED)
    await story.does("POST", f"{bot}/start", Did.BOT_STARTED)


async def manages_a_server(story: Story) -> None:
    insert_installation(story.world.database.admin, story.places["botId"])
    guild, chain = "/api/bots/{botId}/guilds/{guildId}", story.guild

    async def does(method: str, route: str, told: Did, body: Any = None) -> Any:
        return await story.does(method, guild + route, told, body=body, chain=chain)

    await does("PATCH", "/modules/{module}", Did.MODULE_UPDATED, {"defaultTimeoutMinutes": 7})
    await does("PATCH", "/modules/{module}", Did.MODULE_UPDATED, {"defaultTimeoutMinutes": 8})
    await does("POST", "/modules/{module}/revisions/{revision}/restore", Did.MODULE_RESTORED)
    case = {"action": "warn", "targetId": "1100000000000000009"}
    story.places["number"] = str((await does("POST", "/cases", Did.CASE_OPENED, case))["number"])
    await does("PATCH", "/cases/{number}", Did.CASE_EDITED, {"reason": "Said it twice"})
    hook = await does("POST", "/webhooks", Did.WEBHOOK_CREATED, {"url": "https://hooks.example.com/"})
    story.places["webhookId"] = hook["id"]
    one = "/webhooks/{webhookId}"
    await does("PATCH", one, Did.WEBHOOK_UPDATED, {"description": "Ours"})
    await does("POST", f"{one}/secret", Did.WEBHOOK_SECRET_ROTATED)
    story.places["deliveryId"] = (await does("POST", f"{one}/test", Did.WEBHOOK_TESTED))["id"]
    story.admin.execute("UPDATE webhook_deliveries SET state = 'delivered'")
    await does("POST", f"{one}/deliveries/{{deliveryId}}/replay", Did.WEBHOOK_REPLAYED)
    await does("DELETE", one, Did.WEBHOOK_DELETED)
    await does("DELETE", "", Did.GUILD_REMOVED)
    await does("POST", "/restore", Did.GUILD_RESTORED)
    await story.does("DELETE", "/api/bots/{botId}", Did.BOT_REMOVED)


async def takes_keys(story: Story) -> None:
    # a challenge ends by itself, and what comes of it has its row
    asked = await story.does("POST", "/api/auth/passkeys/options")
    key = Key()
    new = {"name": "Phone", "credential": key.create(asked["publicKey"])}
    made = await story.does("POST", "/api/auth/passkeys", Did.PASSKEY_ADDED, body=new)
    story.places["passkeyId"] = made["id"]
    await story.does("PATCH", "/api/auth/passkeys/{passkeyId}", Did.PASSKEY_RENAMED, body={"name": "Key"})
    await story.does("POST", "/api/auth/reauthenticate/options")
    async with story.elsewhere() as phone:
        signed = {"credential": key.get(await options(phone, "/api/auth/passkeys/sign-in/options"))}
        await story.does("POST", "/api/auth/passkeys/sign-in", Did.SESSION_STARTED, body=signed, by=phone)
    begun = await story.does("POST", "/api/auth/mfa/enroll", Did.MFA_ENROLMENT_BEGUN)
    app = App(begun["secret"])
    code = {"code": app.code()}
    await story.does("POST", "/api/auth/mfa/confirm", Did.MFA_ENABLED, Did.SESSION_ENDED, body=code)
    forget_used(story.world.database)
    await story.does("POST", "/api/auth/mfa/recovery-codes", Did.MFA_RECOVERY_CODES_RENEWED)
    async with story.elsewhere() as phone:
        await first_step(phone)
        await story.does("POST", "/api/auth/mfa/passkey-options", by=phone)
        await story.does("POST", "/api/auth/mfa/verify", Did.SESSION_STARTED, body=code, by=phone)
    await story.does("POST", "/api/auth/mfa/disable", Did.MFA_DISABLED, Did.SESSION_ENDED)
    gone = (Did.PASSKEY_REMOVED, Did.SESSION_ENDED)
    await story.does("DELETE", "/api/auth/passkeys/{passkeyId}", *gone)


async def connects_discord(story: Story) -> None:
    world = story.world
    back = httpx.URL(await world.consent(await begin(story.client), world.owner))
    query = f"?{back.query.decode()}"
    await story.does("GET", "/api/auth/discord/callback", Did.DISCORD_CONNECTED, query=query)
    await story.does("DELETE", "/api/auth/discord", Did.DISCORD_DISCONNECTED, Did.SESSION_ENDED)


async def moves_out(story: Story) -> None:
    change = {"currentPassword": PASSWORD, "password": OTHER_PASSWORD}
    told = (Did.PASSWORD_CHANGED, Did.SESSION_ENDED)
    await story.does("POST", "/api/auth/password/change", *told, body=change)
    await story.does("POST", "/api/auth/logout-all", Did.SESSION_ENDED)
    # whether there is an account is found out where nobody waits
    await story.does("POST", "/api/auth/password/forgot", body={"email": "ana@example.com"})
    async with running_office(story.world.database, story.world.env) as office:
        await office.work()
    story.is_told(Did.PASSWORD_RESET_ASKED, actor=SYSTEM)
    chosen = story.link("reset") | {"password": PASSWORD}
    await story.does("POST", "/api/auth/password/reset", Did.PASSWORD_RESET, body=chosen)
    await log_in(story.client)
    await story.does("POST", "/api/auth/logout", Did.SESSION_ENDED)
    await log_in(story.client)
    moved = story.link("address", "ana@elsewhere.example")
    await story.does("POST", "/api/auth/email/change", Did.ADDRESS_CHANGED, body=moved)
