"""The state file: written whole beside its place and moved there, so that a crash leaves the old one."""

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Final

import msgspec

from .models import VERSION, Channel, Snapshot
from .world import World

MESSAGES_SAVED: Final = 200
_SETTLE_SECONDS: Final = 1.0


class StateUnreadableError(Exception):
    """The file is there and is not ours to overwrite; the message says why."""


def load(path: Path) -> Snapshot | None:
    """None where there is no file yet; one that cannot be read is never taken for a fresh start."""
    if not path.exists():
        return None
    try:
        snapshot = msgspec.json.decode(path.read_bytes(), type=Snapshot)
    except (OSError, msgspec.DecodeError) as error:
        raise StateUnreadableError(f"{path}: {error}") from error
    if snapshot.version != VERSION:
        raise StateUnreadableError(f"{path}: version {snapshot.version}, this is {VERSION}")
    return snapshot


def _encoded(world: World) -> bytes:
    world.dirty = False
    snapshot = world.snapshot()
    snapshot.channels = {key: _shortened(value) for key, value in snapshot.channels.items()}
    return msgspec.json.encode(snapshot)


def _write(state: bytes, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    # It holds bot tokens, if only of this sandbox.
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(state)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _shortened(channel: Channel) -> Channel:
    """Ephemeral messages die with the client, as Discord's do."""
    kept = [item for item in channel.messages.values() if item.visible_to is None]
    return msgspec.structs.replace(channel, messages={item.id: item for item in kept[-MESSAGES_SAVED:]})


async def keep_saved(world: World, path: Path, stop: asyncio.Event) -> None:
    """Write after changes, at most once a second, and at the end; on a thread, as disks can be slow."""
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_SECONDS):
                await stop.wait()
        if world.dirty:
            await asyncio.to_thread(_write, _encoded(world), path)
