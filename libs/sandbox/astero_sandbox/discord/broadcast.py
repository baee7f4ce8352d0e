"""Who hears of an event: bots that are members, may see the channel and asked for it; and the page."""

from collections.abc import Callable
from typing import Any

import orjson

from . import permissions
from .gateway import protocol
from .gateway.hub import Hub
from .gateway.session import Session
from .models import Channel, Guild, Json, Message
from .payloads.messages import message_event, without_content
from .world import World

# Called with the event's name, its guild (None for a direct conversation) and its data.
Observer = Callable[[str, int | None, Json], None]


class Broadcast:
    """Encodes an event once, whoever and however many its receivers are."""

    def __init__(self, world: World, hub: Hub) -> None:
        self._world = world
        self._hub = hub
        self.observers: set[Observer] = set()

    def observe(self, name: str, guild_id: int | None, data: Json) -> None:
        """Tell the page; may carry more than Discord would say (who deleted what)."""
        for observer in tuple(self.observers):
            observer(name, guild_id, data)

    def to_guild(
        self,
        guild: Guild,
        name: str,
        data: Json,
        *,
        intents: int = protocol.GUILDS,
        needs: int = 0,
        except_bot: int | None = None,
    ) -> None:
        """`needs` is a permission the bot must hold in the guild to be told."""
        self.observe(name, guild.id, data)
        if guild.unavailable:
            return
        encoded: bytes | None = None
        for application_id in tuple(self._world.bots_in(guild.id)):
            sessions = self._listening(application_id, intents)
            if not sessions or application_id == except_bot:
                continue
            if needs and not permissions.in_guild(guild, guild.members[application_id]) & needs:
                continue
            encoded = encoded or orjson.dumps(data)
            for session in sessions:
                session.dispatch(name, encoded)

    def to_bot(self, application_id: int, name: str, data: Any, *, intents: int = 0) -> None:
        if sessions := self._listening(application_id, intents):
            encoded = orjson.dumps(data)
            for session in sessions:
                session.dispatch(name, encoded)

    def to_channel(
        self, channel: Channel, name: str, data: Json, *, guild_intent: int, dm_intent: int
    ) -> None:
        """An event of a channel without content to hide (typing, reactions, deletions)."""
        self.observe(name, channel.guild_id, data)
        encoded: bytes | None = None
        intent = dm_intent if channel.guild_id is None else guild_intent
        for application_id in self._audience(channel):
            for session in self._listening(application_id, intent):
                encoded = encoded or orjson.dumps(data)
                session.dispatch(name, encoded)

    def message(self, name: str, record: Message, channel: Channel) -> None:
        """MESSAGE_CREATE or MESSAGE_UPDATE; emptied for bots that may not read content."""
        data = message_event(self._world, record, channel)
        if record.visible_to is not None:
            self.observe(name, channel.guild_id, data | {"visible_to": str(record.visible_to)})
            return
        self.observe(name, channel.guild_id, data)
        is_dm = channel.guild_id is None
        intent = protocol.DIRECT_MESSAGES if is_dm else protocol.GUILD_MESSAGES
        full: bytes | None = None
        emptied: bytes | None = None
        for application_id in self._audience(channel):
            for session in self._listening(application_id, intent):
                may_read = (
                    is_dm
                    or session.intents & protocol.MESSAGE_CONTENT
                    or record.author_id == application_id
                    or application_id in record.mentions
                )
                if may_read:
                    full = full or orjson.dumps(data)
                    session.dispatch(name, full)
                else:
                    emptied = emptied or orjson.dumps(without_content(data))
                    session.dispatch(name, emptied)

    def _listening(self, application_id: int, intents: int) -> list[Session]:
        sessions = self._hub.sessions_of(application_id)
        return [item for item in sessions if not intents or item.intents & intents]

    def _audience(self, channel: Channel) -> list[int]:
        if channel.guild_id is None:
            return [user_id for user_id in channel.recipients if user_id in self._world.applications]
        guild = self._world.guilds[channel.guild_id]
        if guild.unavailable:
            return []
        return [
            application_id
            for application_id in self._world.bots_in(guild.id)
            if permissions.in_channel(guild, channel, guild.members[application_id])
            & permissions.VIEW_CHANNEL
        ]
