"""Judges every message of the servers where automod is on; most are acquitted without an await.

A hit opens its case first, one for each message, and then acts. Staff, the owner, other bots and members
above the bot are left alone; where the bot wanted to act and cannot, the log channel says so once.
"""

from collections.abc import Coroutine
from typing import Any, Final

import discord
from loguru import logger
from msgspec.structs import replace

from astero_bot_engine.dispatch.events import RawEvent
from astero_bot_engine.dispatch.listeners import Listeners
from astero_bot_engine.dispatch.ranks import find_obstacle, standing_of, stands_above
from astero_bot_engine.features.automod.floods import ENDS_A_FLOOD, Floods
from astero_bot_engine.features.automod.invites import InviteDirectory
from astero_bot_engine.features.automod.messages import Message, first_look, full_look, read_message
from astero_bot_engine.features.automod.standing import member_permissions
from astero_bot_engine.features.cases.log_channel import Cause, LogChannels
from astero_bot_engine.features.cases.service import CaseDesk
from astero_bot_engine.features.modules.service import SettingsMemory
from astero_bot_engine.gateway.client import BotClient
from astero_bot_engine.interactions.failures import failure_text
from astero_shared.clock import utc_now
from astero_shared.errors import NotFoundError
from astero_shared.features.automod.config import RuleAction
from astero_shared.features.automod.rules import (
    CompiledAutomod,
    Hit,
    MessageFacts,
    evaluate,
    is_staff,
    is_stale_edit,
)
from astero_shared.features.cases.rules import CaseAction
from astero_shared.features.cases.store import CaseDraft
from astero_shared.i18n import Locale, text
from astero_shared.scope import SYSTEM, GuildScope

MODULE: Final = "automod"


class AutomodListener:
    """One for all bots of the engine."""

    def __init__(
        self, *, memory: SettingsMemory, desk: CaseDesk, floods: Floods, log_channels: LogChannels
    ) -> None:
        self._memory = memory
        self._desk = desk
        self._invites = InviteDirectory()
        self._floods = floods
        self._log_channels = log_channels

    def register(self, listeners: Listeners) -> None:
        listeners.when_active(MODULE, "MESSAGE_CREATE", self.on_message)
        listeners.when_active(MODULE, "MESSAGE_UPDATE", self.on_edit)

    def on_message(self, event: RawEvent) -> Coroutine[Any, Any, None] | None:
        message = read_message(event)
        return None if message is None else self.judge(event.bot, int(event.guild_id or 0), message)

    def on_edit(self, event: RawEvent) -> Coroutine[Any, Any, None] | None:
        message = read_message(event)
        if message is None or is_stale_edit(message.edited_timestamp, utc_now()):
            return None
        return self.judge(event.bot, int(event.guild_id or 0), message)

    def judge(self, client: BotClient, guild_id: int, message: Message) -> Coroutine[Any, Any, None] | None:
        """None acquits; else what is to be done about the message."""
        compiled = self._memory.of(client.bot_id, guild_id).prepared.get(MODULE)
        if not isinstance(compiled, CompiledAutomod):
            return None
        facts = first_look(message)
        if evaluate(compiled, facts) is None:
            return None
        guild = client.get_guild(guild_id)
        if guild is None:
            return None
        facts = full_look(facts, guild)
        hit = evaluate(compiled, facts)
        if hit is None:
            return None
        return self._enforce(client, guild, compiled, message, facts, hit)

    async def _enforce(
        self,
        client: BotClient,
        guild: discord.Guild,
        compiled: CompiledAutomod,
        message: Message,
        facts: MessageFacts,
        hit: Hit,
    ) -> None:
        author_id = int(message.author.id) if message.author is not None else 0
        if author_id != guild.owner_id and is_staff(
            member_permissions(guild, facts.channel_id, author_id, facts.author_role_ids)
        ):
            return
        if hit.invite_codes:
            own = await self._invites.lead_here(client, guild.id, hit.invite_codes)
            if own:
                facts = replace(facts, own_invite_codes=facts.own_invite_codes | own)
                again = evaluate(compiled, facts)
                if again is None:
                    return
                hit = again
        if await self._may_act(client, guild, facts, hit, author_id):
            await self._act(client, guild, message, facts, hit, author_id)

    async def _may_act(
        self, client: BotClient, guild: discord.Guild, facts: MessageFacts, hit: Hit, author_id: int
    ) -> bool:
        """Whether anything can be done; says in the log channel, once, why nothing can."""
        locale = self._memory.language(client.bot_id, guild)
        on_member = ("member", author_id)
        failure = None
        if author_id == guild.owner_id:
            failure = "cases.target_is_owner"
        elif stands_above(guild, facts.author_role_ids):
            failure = "cases.target_above_bot"
        if failure is not None:
            body = text(
                "automod.log.cannot_on_member",
                locale,
                member=f"<@{author_id}>",
                rule=text(f"automod.rules.{hit.rule.value}", locale),
                channel=f"<#{facts.channel_id}>",
                failure=failure_text(failure, locale),
            )
            await self._say_once(client, guild, on_member, body, locale)
            return False
        self._log_channels.forget(client.bot_id, guild.id, on_member)
        in_channel = ("delete", facts.channel_id)
        if _may_delete(guild, facts.channel_id):
            self._log_channels.forget(client.bot_id, guild.id, in_channel)
            return True
        body = text("automod.log.cannot_delete", locale, channel=f"<#{facts.channel_id}>")
        await self._say_once(client, guild, in_channel, body, locale)
        # The author can still be dealt with, unless deleting was all there was to do.
        author = standing_of(guild, author_id, facts.author_role_ids)
        return hit.action is not RuleAction.DELETE and not find_obstacle(
            guild, CaseAction(hit.action.value), author
        )

    async def _act(
        self,
        client: BotClient,
        guild: discord.Guild,
        message: Message,
        facts: MessageFacts,
        hit: Hit,
        author_id: int,
    ) -> None:
        locale = self._memory.language(client.bot_id, guild)
        scope = GuildScope(SYSTEM, client.bot_id, guild.id)
        written = message.edited_timestamp or discord.utils.snowflake_time(int(message.id))
        action = hit.action
        if action in ENDS_A_FLOOD and not await self._floods.claim(scope, author_id, written):
            action = RuleAction.DELETE
        ends = hit.duration if action is hit.action else None
        draft = CaseDraft(
            action=action.value,
            source="automod",
            # Also for an edit: a message that broke a rule is deleted, so it opens one case at most.
            source_key=f"automod:{message.id}",
            rule=hit.rule.value,
            target_id=author_id,
            target_name=None if message.author is None else message.author.username,
            moderator_id=str(client.user.id) if client.user is not None else "astero",
            moderator_name="Astero",
            channel_id=facts.channel_id,
            message_id=int(message.id),
            reason=text(f"automod.reasons.{hit.rule.value}", locale),
            internal_note=_found(hit, locale),
            duration_seconds=None if ends is None else int(ends.total_seconds()),
        )
        try:
            case = await self._desk.open_surely(scope, draft)
            if case is not None:
                await self._desk.carry_out(client, case)
        except NotFoundError:
            logger.info("automod hit in a removed server", bot=str(client.bot_id), guild=str(guild.id))
        finally:
            if action in ENDS_A_FLOOD:
                self._floods.over(scope, author_id)

    async def _say_once(
        self, client: BotClient, guild: discord.Guild, cause: Cause, body: str, locale: Locale
    ) -> None:
        await self._log_channels.say_once(
            client,
            guild.id,
            cause,
            title=text("automod.log.cannot", locale),
            body=body,
            footer=text("automod.log.once", locale),
        )


def _may_delete(guild: discord.Guild, channel_id: int) -> bool:
    channel = guild.get_channel_or_thread(channel_id)
    # A channel the cache does not know (a thread not joined): Discord will tell.
    return channel is None or channel.permissions_for(guild.me).manage_messages


def _found(hit: Hit, locale: Locale) -> str:
    fragment = discord.utils.escape_markdown(discord.utils.escape_mentions(hit.fragment))[:500]
    if hit.amount is None:
        return text("automod.log.matched", locale, fragment=fragment)
    return text("automod.log.matched_count", locale, fragment=fragment, count=hit.amount)
