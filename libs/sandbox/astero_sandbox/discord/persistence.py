"""The state file: written whole beside its place and moved there, so that a crash leaves the old one."""

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Final

import msgspec

from .models import Channel, Snapshot
from .world import World

MESSAGES_SAVED: Final = 200
_SETTLE_SECONDS: Final = 1.0


def load(path: Path) -> Snapshot | None:
    """None where there is no file yet; a file that cannot be read is an error, not a fresh start."""
    if not path.exists():
        return None
    return msgspec.json.decode(path.read_bytes(), type=Snapshot)


def save(world: World, path: Path) -> None:
    world.dirty = False
    snapshot = world.snapshot()
    snapshot.channels = {key: _shortened(value) for key, value in snapshot.channels.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    # It holds bot tokens, if only of this sandbox.
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(snapshot))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _shortened(channel: Channel) -> Channel:
    """Ephemeral messages die with the client, as Discord's do."""
    kept = [item for item in channel.messages.values() if item.visible_to is None]
    return msgspec.structs.replace(channel, messages={item.id: item for item in kept[-MESSAGES_SAVED:]})


async def keep_saved(world: World, path: Path) -> None:
    """Write after changes, at most once a second, and once more when cancelled."""
    try:
        while True:
            await asyncio.sleep(_SETTLE_SECONDS)
            if world.dirty:
                save(world, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            save(world, path)
