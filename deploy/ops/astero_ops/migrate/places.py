"""Where the files of the database lie; they ship beside this package under deploy/."""

from pathlib import Path

_DEPLOY = Path(__file__).parents[3]
MIGRATIONS_FOLDER = _DEPLOY / "migrations"
ROLES_FILE = _DEPLOY / "postgres" / "roles.sql"
GRANTS_FILE = _DEPLOY / "postgres" / "grants.toml"
