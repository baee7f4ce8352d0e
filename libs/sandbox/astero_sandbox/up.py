"""`just up`: the whole of Astero on this machine, from nothing, until Ctrl-C.

Exit codes: 0 ended as asked, 1 something is in the way (the message says what to do), 2 an argument, 78 bad
configuration.
"""

import argparse
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
from astero_sandbox.home import Addresses, AlreadyUpError, Home, HomeRefusedError
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
_VARIABLES = """\
It takes no arguments. What may be different stands in the environment:
  ASTERO_HOME        where its data, secrets and logs lie, instead of .astero/
  ASTERO_PORT_BASE   the first of its ports, instead of 8300
  DATABASE_URL, REDIS_URL, DISCORD_API_URL, DISCORD_BOT_TOKEN, SMTP_URL, SENTRY_DSN
                     a real one instead of the sandbox's; docs/operations.md says what each holds
"""


def main(commands: Mapping[str, tuple[str, ...]] | None = None) -> int:
    """Until it is told to end; answers the exit code. Takes over this process's signals.

    `commands` replaces what a service runs, by its name.
    """
    begun = time.monotonic()
    wish = _Wish()
    console = Terminal(highlight=False)
    screen = Screen(console)
    try:
        plan = replace(Plan.from_environment(os.environ, Path.cwd()), commands=commands or {})
        home = Home(plan.home)
    except (PlanRefusedError, HomeRefusedError) as error:
        screen.say(str(error), style="red")
        return EXIT_BAD_CONFIGURATION
    except AlreadyUpError as error:
        screen.say(str(error), style="red")
        return _FAILED
    try:
        with closing(home):
            return _run(plan, home, console, screen, wish, begun)
    except _IN_THE_WAY as error:
        screen.say(str(error), style="red")
        return _FAILED


def _run(plan: Plan, home: Home, console: Terminal, screen: Screen, wish: "_Wish", begun: float) -> int:
    with screen.step("Tidying up after earlier runs"):
        home.end_leftovers()
        remove_orphans()
    refuse_taken(plan.ports_to_open())
    refusals: list[Supervised] = []

    def refuse(supervised: Supervised) -> None:
        refusals.append(supervised)
        wish.to_end.set()

    output = Output(home.logs, console)
    supervisor = Supervisor(pid_folder=home.pids, say=output.say, output=output.line, on_refusal=refuse)
    wish.at_once(supervisor.kill_everything)
    try:
        stack = Stack(plan, supervisor, stopping=wish.to_end, progress=screen.step)
        _start(stack, home, screen)
        screen.show_addresses(stack)
        took = time.monotonic() - begun
        screen.say(f"Astero is up: {stack.api_url} (ready after {took:.1f} s)", style="bold green")
        wish.to_end.wait()
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
    if stack.plan.database_url is None and stack.plan.has_sandbox_discord:
        _open_demo_account(stack, screen)
    home.publish(
        Addresses(
            api=stack.api_url,
            engine=stack.engine_url,
            discord=stack.discord_url if stack.plan.has_sandbox_discord else None,
            database=stack.connections.database.admin,
            redis=stack.connections.redis_operator,
            mail=stack.mail_url if stack.plan.has_sandbox_mail else None,
            sentry=stack.sentry_url if stack.plan.has_sandbox_sentry else None,
        )
    )


def _open_demo_account(stack: Stack, screen: Screen) -> None:
    try:
        with screen.step("Demo account"):
            stack.credentials = open_account(stack.api_url, stack.credentials, stack.plan.home)
    except AccountRefusedError as error:
        # A convenience: everything else works without it, and the next start tries again.
        screen.say(f"No demo account: {error}", style="yellow")


class _Wish:
    """What the person wants: the first signal ends things in order, a second one at once.

    A thread hears it: in a handler, an event could be locked by the very code that was interrupted.
    """

    def __init__(self) -> None:
        self.to_end = threading.Event()
        self._in_a_hurry = threading.Event()
        self._reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda _number, _frame: None)
        threading.Thread(target=self._listen, name="signals", daemon=True).start()

    def at_once(self, act: Callable[[], None]) -> None:
        def wait() -> None:
            self._in_a_hurry.wait()
            act()

        threading.Thread(target=wait, name="hurry", daemon=True).start()

    def _listen(self) -> None:
        while os.read(self._reading, 1):
            if self.to_end.is_set():
                self._in_a_hurry.set()
            self.to_end.set()


def _refuse_arguments() -> None:
    """Ends the process with 2 and a sentence for an argument, 0 with help for `--help`."""
    words = argparse.ArgumentParser(
        prog="just up",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(__doc__ or "").partition("\n")[0],
        epilog=_VARIABLES,
    )
    words.parse_args()


if __name__ == "__main__":
    _refuse_arguments()
    sys.exit(main())
