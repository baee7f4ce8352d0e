"""The state with its indexes and look-ups. Changes that clients may notice go through `actions/`."""

import base64
import secrets
from collections.abc import Iterable

from . import errors
from .models import Application, Channel, Command, Guild, Member, Message, Role, Snapshot, User
from .permissions import EVERYONE
from .snowflakes import SnowflakeClock

# More than a client ever asks back for; a flood must not fill the memory.
MESSAGES_KEPT = 5000


class World:
    """Holds every record by id and the ways to find them; raises Discord's 10xxx for what is missing."""

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        state = snapshot or Snapshot()
        self.users = state.users
        self.applications = state.applications
        self.guilds = state.guilds
        self.channels = state.channels
        self.ids = SnowflakeClock()
        self.dirty = False
        self._by_token = {app.token: app.id for app in self.applications.values()}
        self._bots: dict[int, set[int]] = {
            guild.id: {user_id for user_id in guild.members if user_id in self.applications}
            for guild in self.guilds.values()
        }
        self._continue_ids()

    def _continue_ids(self) -> None:
        used: list[int] = [*self.users, *self.applications, *self.guilds, *self.channels]
        for channel in self.channels.values():
            used.extend(channel.messages)
        for guild in self.guilds.values():
            used.extend(guild.roles)
            used.extend(entry.id for entry in guild.audit)
        if used:
            self.ids.continue_after(max(used))

    def snapshot(self) -> Snapshot:
        return Snapshot(
            users=self.users,
            applications=self.applications,
            guilds=self.guilds,
            channels=self.channels,
        )

    # --- find -------------------------------------------------------------------------------------

    def get_user(self, user_id: int) -> User:
        if (user := self.users.get(user_id)) is None:
            raise errors.unknown(10013)
        return user

    def get_application(self, application_id: int) -> Application:
        if (app := self.applications.get(application_id)) is None:
            raise errors.unknown(10002)
        return app

    def get_guild(self, guild_id: int) -> Guild:
        if (guild := self.guilds.get(guild_id)) is None:
            raise errors.unknown(10004)
        return guild

    def get_channel(self, channel_id: int) -> Channel:
        if (channel := self.channels.get(channel_id)) is None:
            raise errors.unknown(10003)
        return channel

    def get_message(self, channel: Channel, message_id: int) -> Message:
        if (message := channel.messages.get(message_id)) is None:
            raise errors.unknown(10008)
        return message

    def get_member(self, guild: Guild, user_id: int) -> Member:
        """10013 for nobody at all, 10007 for somebody who is not in this guild."""
        if (member := guild.members.get(user_id)) is None:
            raise errors.unknown(10007 if user_id in self.users else 10013)
        return member

    def get_role(self, guild: Guild, role_id: int) -> Role:
        if (role := guild.roles.get(role_id)) is None:
            raise errors.unknown(10011)
        return role

    def get_command(self, app: Application, command_id: int) -> Command:
        if (command := app.commands.get(command_id)) is None:
            raise errors.unknown(10063)
        return command

    def find_application_by_token(self, token: str) -> Application | None:
        application_id = self._by_token.get(token)
        return None if application_id is None else self.applications[application_id]

    def guilds_of(self, user_id: int) -> list[Guild]:
        return [guild for guild in self.guilds.values() if user_id in guild.members]

    def channels_of(self, guild: Guild) -> list[Channel]:
        return [self.channels[channel_id] for channel_id in guild.channel_ids]

    def bots_in(self, guild_id: int) -> Iterable[int]:
        """Application ids whose bot is a member now."""
        return self._bots.get(guild_id, ())

    def find_dm(self, one: int, other: int) -> Channel | None:
        people = {one, other}
        for channel in self.channels.values():
            if channel.guild_id is None and set(channel.recipients) == people:
                return channel
        return None

    # --- make -------------------------------------------------------------------------------------

    def new_user(self, *, username: str, email: str | None = None, bot: bool = False) -> User:
        user = User(id=self.ids.next_id(), username=username, email=email, bot=bot)
        self.users[user.id] = user
        self.dirty = True
        return user

    def new_application(self, *, name: str, owner_id: int, flags: int) -> Application:
        bot = self.new_user(username=name, bot=True)
        app = Application(
            id=bot.id,
            name=name,
            owner_id=owner_id,
            flags=flags,
            token=_bot_token(bot.id),
            client_secret=secrets.token_urlsafe(24),
            public_key=secrets.token_hex(32),
        )
        self.applications[app.id] = app
        self._by_token[app.token] = app.id
        return app

    def reset_token(self, app: Application) -> str:
        """Give the application a new token; the old one is worthless from here on."""
        self._by_token.pop(app.token, None)
        app.token = _bot_token(app.id)
        self._by_token[app.token] = app.id
        self.dirty = True
        return app.token

    def new_guild(self, *, name: str, owner_id: int) -> Guild:
        guild = Guild(id=self.ids.next_id(), name=name, owner_id=owner_id)
        guild.roles[guild.id] = Role(id=guild.id, name="@everyone", permissions=EVERYONE, position=0)
        self.guilds[guild.id] = guild
        self._bots[guild.id] = set()
        self.dirty = True
        return guild

    def new_channel(self, channel: Channel) -> Channel:
        self.channels[channel.id] = channel
        if channel.guild_id is not None:
            self.guilds[channel.guild_id].channel_ids.append(channel.id)
        self.dirty = True
        return channel

    def add_member(self, guild: Guild, member: Member) -> None:
        guild.members[member.user_id] = member
        if member.user_id in self.applications:
            self._bots[guild.id].add(member.user_id)
        self.dirty = True

    def remove_member(self, guild: Guild, user_id: int) -> Member | None:
        self._bots[guild.id].discard(user_id)
        self.dirty = True
        return guild.members.pop(user_id, None)

    def forget_guild(self, guild: Guild) -> None:
        del self.guilds[guild.id]
        del self._bots[guild.id]
        self.dirty = True

    def add_message(self, message: Message) -> None:
        channel = self.channels[message.channel_id]
        channel.messages[message.id] = message
        channel.last_message_id = message.id
        while len(channel.messages) > MESSAGES_KEPT:
            del channel.messages[next(iter(channel.messages))]
        self.dirty = True


def _bot_token(application_id: int) -> str:
    """Three parts as Discord's: the id in base64, six characters, thirty-eight characters."""
    head = base64.urlsafe_b64encode(str(application_id).encode()).decode().rstrip("=")
    return f"{head}.{secrets.token_urlsafe(5)[:6]}.{secrets.token_urlsafe(30)[:38]}"
