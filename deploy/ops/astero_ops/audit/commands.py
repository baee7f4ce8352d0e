"""`astero audit …`"""

from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from astero_ops.audit.verify import count_entries, find_broken
from astero_ops.exits import REFUSED, UNVERIFIED
from astero_ops.operator_role import looking, reason_of
from astero_ops.settings import OperatorSettings
from astero_shared.audit.heads import Head, HeadForgedError, read_heads
from astero_shared.settings import ConfigurationError, exit_misconfigured, load_or_exit

app = typer.Typer(help="The audit log: who changed what.", no_args_is_help=True)
_console = Console(stderr=True)


@app.callback()
def _audit() -> None:
    """With a callback a single command keeps its name."""


@app.command(name="verify")
def verify_chains(
    chain: Annotated[
        str | None,
        typer.Option(help="Only this one: platform, account:<user id> or guild:<bot id>:<server id>."),
    ] = None,
    head: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="A log kept elsewhere: its `audit.head` lines are compared too. Needs ENCRYPTION_KEY.",
        ),
    ] = None,
) -> None:
    """Recompute every hash. Exit code 3 and the first broken place of each chain, if there is one."""
    settings = load_or_exit(OperatorSettings)
    try:
        told = _read(head or [], settings)
        with (
            looking(settings) as connection,
            Progress(
                TextColumn("Audit entries"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=_console,
                transient=True,
            ) as progress,
        ):
            total = count_entries(connection, chain)
            task = progress.add_task("", total=total)
            broken = list(
                find_broken(connection, chain=chain, heads=told, advance=lambda: progress.advance(task))
            )
    except HeadForgedError as error:
        _console.print(f"not verified: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(UNVERIFIED) from None
    except psycopg.Error as error:
        _console.print(f"not verified: {reason_of(error)}", markup=False, soft_wrap=True)
        raise typer.Exit(REFUSED) from None
    for place in broken:
        _console.print(f"{place.chain} entry {place.seq}: {place.why}", markup=False, soft_wrap=True)
    if broken:
        raise typer.Exit(UNVERIFIED)
    if chain is not None and total == 0:
        _console.print(f"not verified: there is no chain {chain}", markup=False, soft_wrap=True)
        raise typer.Exit(REFUSED)
    _console.print(f"{total} entries are as they were written; {len(told)} heads from outside agree")


def _read(files: list[Path], settings: OperatorSettings) -> list[Head]:
    if not files:
        return []
    if settings.encryption_key is None:
        exit_misconfigured(ConfigurationError("ENCRYPTION_KEY", "is needed to tell a head from a forged one"))
    heads: list[Head] = []
    for file in files:
        with file.open(encoding="utf-8", errors="replace") as lines:
            found = [*read_heads(lines, settings.encryption_key)]
        if not found:
            # nothing compared must not look like nothing found
            _console.print(f"not verified: {file} holds no audit.head line", markup=False, soft_wrap=True)
            raise typer.Exit(REFUSED)
        heads += found
    return heads
