"""Loopback ports: free ones for a test; the fixed ones of `just up`, refused at once when taken."""

import random
import socket
from dataclasses import dataclass, fields
from typing import Self

LOOPBACK = "127.0.0.1"
DEFAULT_BASE = 8300
HIGHEST_OFFSET = 10
# Below Linux' and macOS' ephemeral ranges: an outgoing connection never takes one of these.
_UNASSIGNED = range(18_000, 32_000)


class PortTakenError(Exception):
    """Somebody already listens there; the message names the variable that moves us away."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    api: int
    engine: int
    discord: int
    mail: int
    smtp: int
    sentry: int
    webhooks: int
    webhooks_tls: int
    postgres: int
    redis: int

    @classmethod
    def from_base(cls, base: int) -> Self:
        return cls(
            api=base,
            engine=base + 1,
            discord=base + 2,
            mail=base + 3,
            smtp=base + 4,
            sentry=base + 5,
            webhooks=base + 6,
            webhooks_tls=base + 7,
            postgres=base + 9,
            redis=base + HIGHEST_OFFSET,
        )

    @classmethod
    def unused(cls) -> Self:
        """Free ports, drawn so that two who ask at once hardly ever get the same one."""
        names = [field.name for field in fields(cls)]
        taken: set[int] = set()
        while len(taken) < len(names):
            taken.add(free_port())
        return cls(**dict(zip(names, taken, strict=True)))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Like the servers themselves: connections in TIME_WAIT from a run just ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    while True:
        port = random.choice(_UNASSIGNED)  # noqa: S311 - not a secret
        if is_free(port):
            return port


def refuse_taken(wanted: dict[str, int]) -> None:
    """`wanted`: what the port is for → port. Raises PortTakenError naming every one that is in use."""
    taken = [f"{port} ({name})" for name, port in wanted.items() if not is_free(port)]
    if taken:
        raise PortTakenError(
            f"port {', '.join(taken)} on {LOOPBACK} is in use by another program. "
            f"Choose other ports with ASTERO_PORT_BASE, for example: ASTERO_PORT_BASE=9300 just up"
        )
