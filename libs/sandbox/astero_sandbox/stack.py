"""A whole Astero on this machine, part by part.

`just up` runs one in its home; tests and the benchmark run theirs on free ports in a temporary folder
and break its parts on purpose (`astero_sandbox.temporary`).
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import psycopg
from psycopg import sql

from astero_sandbox import demo, postgres, services, valkey
from astero_sandbox.control import Control
from astero_sandbox.credentials import DemoWorld, load_or_make
from astero_sandbox.part import READY_SECONDS, Part
from astero_sandbox.place import place_for
from astero_sandbox.plan import Plan
from astero_sandbox.ports import LOOPBACK, free_port
from astero_sandbox.programs import Program
from astero_sandbox.readiness import NotReadyError, Probe, answers, wait_until
from astero_sandbox.roles import migration
from astero_sandbox.services import Connections
from astero_sandbox.supervisor import Supervisor

_AFTER_EVERYTHING = 2**31
Progress = Callable[[str], AbstractContextManager[object]]


class DatabaseRefusedError(Exception):
    """The migrations do not run on this database; the message holds what the command printed."""


class Stack:
    """`start()` starts what the plan asks for. `parts` are those that run here, by name."""

    def __init__(
        self,
        plan: Plan,
        supervisor: Supervisor,
        *,
        stopping: threading.Event,
        progress: Progress = lambda _what: nullcontext(),
    ) -> None:
        self.plan = plan
        self.parts: dict[str, Part] = {}
        self.credentials = load_or_make(plan.home)
        self.connections = Connections.of(plan, self.credentials)
        self._supervisor = supervisor
        self._stopping = stopping
        self._progress = progress

    @property
    def postgres(self) -> Part:
        return self.parts["postgres"]

    @property
    def valkey(self) -> Part:
        return self.parts["valkey"]

    @property
    def discord(self) -> Part:
        return self.parts[services.DISCORD]

    @property
    def mail(self) -> Part:
        return self.parts[services.MAIL]

    @property
    def api(self) -> Part:
        return self.parts[services.API]

    @property
    def worker(self) -> Part:
        return self.parts[services.WORKER]

    @property
    def engines(self) -> list[Part]:
        return [part for name, part in self.parts.items() if name.startswith(services.ENGINE)]

    @property
    def engine(self) -> Part:
        return self.engines[0]

    @property
    def api_url(self) -> str:
        return services.public_url(self.plan)

    @property
    def engine_url(self) -> str:
        return services.url(self.plan.ports.engine)

    @property
    def discord_url(self) -> str:
        """The sandbox Discord: its page, its control API and, below /api/v10, what a bot sees."""
        return services.url(self.plan.ports.discord)

    @property
    def mail_url(self) -> str:
        """The sandbox mail server's inbox page and control API."""
        return services.url(self.plan.ports.mail)

    @property
    def sentry_url(self) -> str:
        """The sandbox Sentry: its page, its control API, and where the services report errors."""
        return services.url(self.plan.ports.sentry)

    @property
    def webhooks_url(self) -> str:
        """The page of what webhooks sent to the consumer on this machine, at `consumer_url`."""
        return services.url(self.plan.ports.webhooks)

    @property
    def consumer_url(self) -> str:
        return f"https://{LOOPBACK}:{self.plan.ports.webhooks_tls}/"

    def start_third_parties(self) -> None:
        """Valkey and the sandboxed third parties. Does not wait: PostgreSQL takes longer than all of them."""
        if self.plan.redis_url is None:
            server = valkey.prepare(
                self.plan.home / "valkey",
                port=self.plan.ports.redis,
                passwords=self.credentials.valkey,
                durable=self.plan.durable,
            )
            self._start(server.program, url=server.url(), probe=server.is_ready)
        if self.plan.has_sandbox_discord:
            # Unlike /api/v10 this has no rate limit, and leaves no trace in the log that tests read.
            control = answers(f"{self.discord_url}/sandbox/log?since={_AFTER_EVERYTHING}")
            program = services.sandbox_discord(self.plan)
            self._start(program, url=self.discord_url, probe=control)
        if self.plan.has_sandbox_mail:
            inbox = answers(f"{self.mail_url}/sandbox/messages?to=nobody")
            program = services.sandbox_mail(self.plan, self.credentials)
            self._start(program, url=self.mail_url, probe=inbox)
        if self.plan.has_sandbox_sentry:
            events = answers(f"{self.sentry_url}/sandbox/events")
            self._start(services.sandbox_sentry(self.plan), url=self.sentry_url, probe=events)
        messages = answers(f"{self.webhooks_url}/sandbox/messages")
        self._start(services.sandbox_webhooks(self.plan), url=self.webhooks_url, probe=messages)

    def start_database(self) -> None:
        """PostgreSQL, or the one we were given, brought to the newest schema.

        Raises DatabaseRefusedError, or what `postgres.prepare` raises.
        """
        if self.plan.database_url is None:
            with self._progress("PostgreSQL"):
                self._start_postgres()
        command = migration(self.connections.database, self.credentials.roles)
        with self._progress("Roles and migrations"):
            code, printed = command.run_to_end(self._stopping)
        if code != 0:
            raise DatabaseRefusedError(f"astero migrate apply ended with {code}:\n{printed}")

    def furnish(self) -> DemoWorld | None:
        """In the sandbox Discord: the shared application and a server to try things in, once."""
        if not self.plan.has_sandbox_discord:
            return None
        with self._progress("Sandbox Discord"), Control(self.discord_url) as control:
            self.discord.wait_ready()
            callback = f"{self.api_url}/api/auth/discord/callback"
            world = demo.furnish(control, self.credentials.world, callback=callback)
        self.credentials = demo.remember(self.credentials, world, self.plan.home)
        return world

    def start_api(self) -> None:
        program = services.api(self.plan, self.credentials, self.connections)
        ready = answers(f"{self.api_url}/api/health/ready")
        self._start(program, url=self.api_url, probe=ready)

    def start_worker(self) -> None:
        program = services.worker(self.plan, self.credentials, self.connections)
        self._start(program, url=None, probe=lambda: True)

    def start_engine(self) -> Part:
        """One more: they share the bots between them."""
        number = len(self.engines) + 1
        port = self.plan.ports.engine if number == 1 else free_port()
        name = services.ENGINE if number == 1 else f"{services.ENGINE}-{number}"
        program = services.engine(self.plan, self.credentials, self.connections, name=name, port=port)
        health = f"{services.url(port)}/internal/health"
        probe = answers(health, bearer=self.credentials.bot_engine_secret)
        return self._start(program, url=services.url(port), probe=probe)

    def wait_ready(self) -> None:
        """Raises NotReadyError for a part that does not come up, as soon as that is clear."""
        parts = {part: part.hopeless_from_now() for part in self.parts.values()}

        def all_ready() -> bool:
            return all(part.is_ready() for part in parts)

        def hopeless() -> bool:
            return any(probe() for probe in parts.values())

        with self._progress("Waiting until all is ready"):
            if wait_until(all_ready, seconds=READY_SECONDS, stopping=self._stopping, hopeless=hopeless):
                return
        # One that waits for another is not ready either; the one that cannot start is the cause.
        culprits = [part for part, probe in parts.items() if probe()]
        culprits += [part for part in parts if not part.is_ready()]
        raise culprits[0].not_ready() if culprits else NotReadyError("not ready in time; try again")

    def _start(self, program: Program, *, url: str | None, probe: Probe) -> Part:
        part = Part(self._supervisor.start(program), url=url, probe=probe, stopping=self._stopping)
        self.parts[part.name] = part
        return part

    def _start_postgres(self) -> None:
        server = postgres.prepare(
            place_for(self.plan.home, instance=self.credentials.instance),
            port=self.plan.ports.postgres,
            password=self.credentials.postgres,
            durable=self.plan.durable,
            stopping=self._stopping,
        )
        url = self.connections.database.admin
        part = self._start(server.program, url=url, probe=server.is_ready)
        part.wait_ready()
        name = services.DATABASE
        with psycopg.connect(server.url(), autocommit=True) as admin:
            known = "SELECT FROM pg_database WHERE datname = %s"
            if admin.execute(known, [name]).fetchone() is None:
                admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
