"""`astero migrate …`"""

import psycopg
import typer
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from astero_ops.exits import REFUSED
from astero_ops.migrate.apply import apply as apply_migrations
from astero_ops.operator_role import reason_of
from astero_ops.settings import OperatorSettings
from astero_shared.settings import load_or_exit

app = typer.Typer(
    help="Bring the database to the schema and the rights of this release.", no_args_is_help=True
)
_console = Console(stderr=True)


@app.command()
def apply() -> None:
    """Make the roles (with DATABASE_ADMIN_URL), run the migrations, and make the grants equal to the file."""
    settings = load_or_exit(OperatorSettings)
    try:
        with _console.status("Migrating the database"):
            granted, revoked = apply_migrations(settings)
    except (psycopg.Error, SQLAlchemyError, ValueError) as error:
        _console.print(f"migration refused: {reason_of(error)}", markup=False, soft_wrap=True)
        raise typer.Exit(REFUSED) from None
    for right in sorted(revoked):
        _console.print(f"revoked {right}", markup=False, soft_wrap=True)
    _console.print(f"database is up to date; {len(granted)} rights granted, {len(revoked)} revoked")
