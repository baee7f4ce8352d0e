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


def furnish(control: Control, world: DemoWorld | None, *, callback: str) -> DemoWorld:
    """`world` itself while the sandbox still knows it; otherwise a new one.

    `callback` is where signing in with Discord comes back to; it moves with the ports.
    """
    if world is None or not control.accepts_token(world.shared.bot_token):
        world = _make(control)
    control.allow_redirects(world.shared.application_id, [callback])
    return world


def _make(control: Control) -> DemoWorld:
    shared, branded = (
        msgspec.convert(control.create_application(name), Application) for name in (SHARED_BOT, BRANDED_BOT)
    )
    owner, moderator, member = (
        control.create_user(name, f"{name}@astero.test") for name in ("olivia", "max", "mia")
    )
    guild_id = control.create_guild(GUILD, owner_id=owner)["guildId"]
    control.join(guild_id, user_id=moderator, roles=["Moderator"])
    control.join(guild_id, user_id=member)
    for application in (shared, branded):
        control.join(guild_id, application_id=application.application_id)
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
