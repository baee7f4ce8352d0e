"""The operator's command, `astero`. Exit codes: 0 done, 1 finding, 2 usage, 3 verification failed,
4 refused, 78 bad configuration.
"""

import typer

from astero_ops.audit import commands as audit
from astero_ops.bans import commands as bans
from astero_ops.migrate import commands as migrate
from astero_ops.users import commands as users

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
app.add_typer(migrate.app, name="migrate")
app.add_typer(bans.app, name="ban")
app.add_typer(audit.app, name="audit")
app.add_typer(users.app, name="user")


@app.callback()
def _astero() -> None:
    """Operate Astero: migrations, rights and what the runbook asks for."""


def main() -> None:
    app()


if __name__ == "__main__":
    main()
