"""A whole stack that lives as long as a block, for tests and the benchmark; no trace is left of it."""

import os
import threading
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager

from astero_sandbox.place import place_for
from astero_sandbox.plan import Plan, surroundings
from astero_sandbox.ports import Ports
from astero_sandbox.servers import temporary_supervisor
from astero_sandbox.services import API, WORKER
from astero_sandbox.stack import Stack


@contextmanager
def running_stack(
    *,
    services: Collection[str] = (API, WORKER),
    engines: int = 1,
    overrides: Mapping[str, Mapping[str, str]] | None = None,
    commands: Mapping[str, tuple[str, ...]] | None = None,
    discord_options: tuple[str, ...] = (),
    output: Callable[[str, str], None] = lambda _name, _line: None,
) -> Generator[Stack]:
    """Ready when it yields: the databases, the sandbox Discord with the demo server, what is asked for.

    `overrides`, `commands` and `discord_options` are those of Plan; `output` is temporary_supervisor's.
    A part that is killed comes back.
    """
    with temporary_supervisor(output) as (home, supervisor):
        plan = Plan(
            home=home,
            ports=Ports.unused(),
            durable=False,
            inherited=surroundings(os.environ),
            overrides=overrides or {},
            commands=commands or {},
            discord_options=discord_options,
        )
        stack = Stack(plan, supervisor, stopping=threading.Event())
        place = place_for(home, instance=stack.credentials.instance)
        supervisor.reaper.remove_afterwards(place.folder)
        stack.start_third_parties()
        stack.start_database()
        stack.furnish()
        if API in services:
            stack.start_api()
        if WORKER in services:
            stack.start_worker()
        for _ in range(engines):
            stack.start_engine()
        stack.wait_ready()
        yield stack
