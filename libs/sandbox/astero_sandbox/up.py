"""`just up`: the whole of Astero on this machine, from nothing, until Ctrl-C.

Exit codes: 0 ended as asked, 1 something is in the way (the message says what to do), 78 bad configuration.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from astero_sandbox.account import AccountRefusedError, open_account
from astero_sandbox.credentials import CredentialsDamagedError
from astero_sandbox.home import Addresses, AlreadyUpError, Home
from astero_sandbox.output import Output, Terminal
from astero_sandbox.place import PlaceRefusedError, remove_orphans
from astero_sandbox.plan import Plan, PlanRefusedError
from astero_sandbox.ports import PortTakenError, refuse_taken
from astero_sandbox.postgres import PostgresUnavailableError
from astero_sandbox.readiness import InterruptedStartError, NotReadyError
from astero_sandbox.screen import Screen
from astero_sandbox.stack import DatabaseRefusedError, Stack
from astero_sandbox.supervisor import EXIT_BAD_CONFIGURATION, Supervised, Supervisor

_IN_THE_WAY = (
    CredentialsDamagedError,
    DatabaseRefusedError,
    NotReadyError,
    PlaceRefusedError,
    PortTakenError,
    PostgresUnavailableError,
)
_FAILED = 1


def main(commands: Mapping[str, tuple[str, ...]] | None = None) -> int:
    """Until it is told to end; answers the exit code. Takes over this process's signals.

    `commands` replaces what a service runs, by its name.
    """
    begun = time.monotonic()
    console = Terminal(highlight=False)
    screen = Screen(console)
    try:
        plan = replace(Plan.from_environment(os.environ, Path.cwd()), commands=commands or {})
    except PlanRefusedError as error:
        screen.say(str(error), style="red")
        return EXIT_BAD_CONFIGURATION
    try:
        home = Home(plan.home)
    except AlreadyUpError as error:
        screen.say(str(error), style="red")
        return _FAILED
    except OSError as error:
        screen.say(f"ASTERO_HOME: {plan.home} cannot be used: {error.strerror}", style="red")
        return EXIT_BAD_CONFIGURATION
    try:
        with closing(home):
            return _run(plan, home, console, screen, begun)
    except _IN_THE_WAY as error:
        screen.say(str(error), style="red")
        return _FAILED


def _run(plan: Plan, home: Home, console: Terminal, screen: Screen, begun: float) -> int:
    with screen.step("Tidying up after earlier runs"):
        home.end_leftovers()
        remove_orphans()
    refuse_taken(plan.ports_to_open())
    stopping = threading.Event()
    refusals: list[Supervised] = []

    def refuse(supervised: Supervised) -> None:
        refusals.append(supervised)
        stopping.set()

    output = Output(home.logs, console)
    supervisor = Supervisor(pid_folder=home.pids, say=output.say, output=output.line, on_refusal=refuse)
    _listen_for_the_end(stopping, supervisor.kill_everything)
    try:
        stack = Stack(plan, supervisor, stopping=stopping, progress=screen.step)
        _start(stack, home, screen)
        screen.show_addresses(stack)
        took = time.monotonic() - begun
        screen.say(f"Astero is up: {stack.api_url} (ready after {took:.1f} s)", style="bold green")
        stopping.wait()
    except InterruptedStartError:
        pass
    finally:
        with screen.step("Stopping"):
            supervisor.close()
        output.close()
    for supervised in refusals:
        last = supervised.tail[-1] if supervised.tail else ""
        screen.say(f"{supervised.name} refused its configuration: {last}", style="red")
    screen.say("Astero has ended; the data stays for the next time.", style="dim")
    return EXIT_BAD_CONFIGURATION if refusals else 0


def _start(stack: Stack, home: Home, screen: Screen) -> None:
    stack.start_third_parties()
    stack.start_database()
    stack.furnish()
    stack.start_api()
    stack.start_worker()
    stack.start_engine()
    stack.wait_ready()
    if stack.plan.database_url is None:
        _open_demo_account(stack, screen)
    home.publish(
        Addresses(
            api=stack.api_url,
            engine=stack.engine_url,
            discord=stack.discord_url if stack.plan.has_sandbox_discord else None,
            database=stack.connections.database.admin,
            redis=stack.connections.redis_operator,
        )
    )


def _open_demo_account(stack: Stack, screen: Screen) -> None:
    try:
        with screen.step("Demo account"):
            stack.credentials = open_account(stack.api_url, stack.credentials, stack.plan.home)
    except AccountRefusedError as error:
        # A convenience: everything else works without it, and the next start tries again.
        screen.say(f"No demo account: {error}", style="yellow")


def _listen_for_the_end(stopping: threading.Event, kill: Callable[[], None]) -> None:
    """The first signal ends things in order, a second one at once."""

    def end(_number: int, _frame: object) -> None:
        if stopping.is_set():
            kill()
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


if __name__ == "__main__":
    sys.exit(main())
