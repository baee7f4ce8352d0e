"""What a newcomer finds on the first run.

In the sandbox Discord: the shared bot, a branded bot and a server with people in it. In Astero: an
account that hosts the branded bot.
"""

from pathlib import Path

import msgspec

from astero_sandbox.control import Control
from astero_sandbox.credentials import Application, Credentials, DemoWorld

GUILD = "Astero demo"
SHARED_BOT = "Astero"
BRANDED_BOT = "Demo Bot"
# Discord's permission bits: kick, ban, manage messages, moderate members
_MODERATOR = 1 << 1 | 1 << 2 | 1 << 13 | 1 << 40
# A bot also manages channels and roles' members: view, send, embed, history, manage messages …
_BOT = _MODERATOR | 1 << 10 | 1 << 11 | 1 << 14 | 1 << 16


def furnish(control: Control, world: DemoWorld | None) -> DemoWorld:
    """`world` itself while the sandbox still knows it; otherwise a new one."""
    if world is not None and control.accepts_token(world.shared.bot_token):
        return world
    shared, branded = (
        msgspec.convert(control.create_application(name), Application) for name in (SHARED_BOT, BRANDED_BOT)
    )
    owner, moderator, member = (
        control.create_user(name, f"{name}@astero.test") for name in ("olivia", "max", "mia")
    )
    guild_id = control.create_guild(GUILD, owner_id=owner)["guildId"]
    control.join(guild_id, user_id=moderator, permissions=_MODERATOR)
    control.join(guild_id, user_id=member)
    for application in (shared, branded):
        control.join(guild_id, application_id=application.application_id, permissions=_BOT)
    return DemoWorld(
        shared=shared,
        branded=branded,
        guild_id=guild_id,
        owner_id=owner,
        moderator_id=moderator,
        member_id=member,
    )


def remember(credentials: Credentials, world: DemoWorld, home: Path) -> Credentials:
    if world == credentials.world:
        return credentials
    credentials = msgspec.structs.replace(credentials, world=world)
    credentials.save(home)
    return credentials
