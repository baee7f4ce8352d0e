"""What `just up` says to the person in front of it; plain lines where there is no terminal."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

from rich.console import Console
from rich.table import Table
from rich.text import Text

from astero_sandbox.credentials import DEMO_EMAIL
from astero_sandbox.stack import Stack

# Quicker steps are not worth a line.
_WORTH_A_LINE_SECONDS = 1.0


class Screen:
    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, what: str) -> Generator[None]:
        begun = time.monotonic()
        with self._console.status(what):
            yield
        took = time.monotonic() - begun
        if took >= _WORTH_A_LINE_SECONDS:
            self.say(f"{what}: {took:.1f} s", style="dim")

    def say(self, sentence: str, *, style: str = "") -> None:
        self._console.print(Text(sentence, style=style), soft_wrap=True)

    def show_addresses(self, stack: Stack) -> None:
        table = Table.grid(padding=(0, 2))
        for name, value in _addresses(stack):
            table.add_row(Text(name, style="bold"), Text(value, overflow="fold"))
        self._console.print()
        self._console.print(table)
        self._console.print()


def _addresses(stack: Stack) -> Generator[tuple[str, str]]:
    yield "API", stack.api_url
    yield "Bot engine", f"{stack.engine_url}/internal/health"
    if stack.plan.has_sandbox_discord:
        yield "Sandbox Discord", f"{stack.discord_url}  <- open this: type, and watch the bot"
    else:
        yield "Discord", stack.connections.discord_api
    if stack.plan.has_sandbox_mail:
        yield "Mail", f"{stack.mail_url}  <- whatever Astero writes to people"
    if stack.plan.has_sandbox_sentry:
        yield "Errors", f"{stack.sentry_url}  <- whatever goes wrong"
    yield "Webhooks", f"{stack.webhooks_url}  <- what a webhook with the URL {stack.consumer_url} is sent"
    yield "Database", without_password(stack.connections.database.admin)
    yield "Redis", without_password(stack.connections.redis_operator)
    if stack.credentials.has_demo_account:
        yield "Demo login", f"{DEMO_EMAIL}  {stack.credentials.demo_password}"
    yield "Passwords, URLs", f"{stack.plan.home}/up.json and secrets.json"
    yield "Logs", f"{stack.plan.home}/logs/"


def without_password(url: str) -> str:
    parts = urlsplit(url)
    user, at, where = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{where}"))
