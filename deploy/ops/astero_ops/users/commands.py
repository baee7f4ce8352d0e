"""`astero user …`"""

import asyncio
import time
from typing import Annotated, Final

import typer
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from astero_ops.exits import REFUSED, USAGE
from astero_ops.operator_role import reason_of
from astero_ops.settings import OperatorSettings
from astero_ops.users.suspension import AccountRefusedError, Outcome, Status, set_status
from astero_shared.settings import load_or_exit

app = typer.Typer(help="Accounts of people.", no_args_is_help=True)
_console = Console(stderr=True)
_MAX_REASON: Final = 500

Account = Annotated[str, typer.Argument(help="The address or the id of the account.")]
Reason = Annotated[str, typer.Option(help="Kept in the platform's audit log; the user does not see it.")]


@app.command()
def suspend(account: Account, reason: Reason) -> None:
    """End the account's sessions and take its bots off Discord; everything is kept. Twice is once."""
    outcome, seconds = _run(account, "suspended", reason)
    if not outcome.changed:
        _console.print(f"{outcome.account_id} is suspended already", soft_wrap=True)
        return
    _console.print(
        f"suspended {outcome.account_id} in {seconds:.2f} s: {outcome.sessions} sessions end with their next"
        f" request, {outcome.bots} bots leave within seconds",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def restore(account: Account, reason: Reason) -> None:
    """Let the account sign in again; its bots that ran come back. Twice is once."""
    outcome, seconds = _run(account, "active", reason)
    if not outcome.changed:
        _console.print(f"{outcome.account_id} is not suspended", soft_wrap=True)
        return
    _console.print(
        f"restored {outcome.account_id} in {seconds:.2f} s: {outcome.bots} bots run if their owner wants",
        highlight=False,
        soft_wrap=True,
    )


def _run(account: str, status: Status, reason: str) -> tuple[Outcome, float]:
    # bytes that are no UTF-8 arrive as characters that nothing can store
    if not 0 < len(reason.strip()) <= _MAX_REASON or not reason.isprintable():
        _console.print(f"give a reason of 1 to {_MAX_REASON} printable characters")
        raise typer.Exit(USAGE)
    if not account.isprintable():
        _console.print("give the address or the id of the account")
        raise typer.Exit(USAGE)
    settings = load_or_exit(OperatorSettings)
    began = time.monotonic()
    try:
        outcome = asyncio.run(set_status(settings, account, status=status, reason=reason.strip()))
    except AccountRefusedError as error:
        _console.print(f"refused: {error}", markup=False)
        raise typer.Exit(REFUSED) from None
    except SQLAlchemyError as error:
        why = reason_of(error)
        # where the connection broke at the commit, nobody knows whether it was done
        _console.print(f"refused: {why}. Try again: twice is once", markup=False, soft_wrap=True)
        raise typer.Exit(REFUSED) from None
    return outcome, time.monotonic() - began
