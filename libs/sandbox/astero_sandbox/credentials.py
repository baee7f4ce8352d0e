"""Secrets of one Astero home: made once, kept in a file that only its owner reads, the same ever after."""

import base64
import os
import secrets
from pathlib import Path

import msgspec

from astero_sandbox import valkey
from astero_sandbox.roles import ROLES

DEMO_EMAIL = "demo@astero.test"
_FILE = "secrets.json"


class CredentialsDamagedError(Exception):
    """The file cannot be read as what we wrote. Without it the stored bot tokens cannot be opened."""


class Application(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    application_id: str
    bot_token: str
    client_secret: str


class DemoWorld(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the first run made in the sandbox Discord."""

    shared: Application
    branded: Application
    guild_id: str
    owner_id: str
    moderator_id: str
    member_id: str


def _password() -> str:
    return secrets.token_urlsafe(32)


def _encryption_key() -> str:
    """Key 1, AES-256."""
    return "1:" + base64.b64encode(secrets.token_bytes(32)).decode()


class Credentials(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    instance: str = msgspec.field(default_factory=lambda: secrets.token_hex(16))
    postgres: str = msgspec.field(default_factory=_password)
    roles: dict[str, str] = msgspec.field(default_factory=lambda: {role: _password() for role in ROLES})
    valkey: dict[str, str] = msgspec.field(
        default_factory=lambda: {user: _password() for user in valkey.USERS}
    )
    encryption_key: str = msgspec.field(default_factory=_encryption_key)
    jwt_secret: str = msgspec.field(default_factory=_password)
    bot_engine_secret: str = msgspec.field(default_factory=_password)
    password_pepper: str = msgspec.field(default_factory=_encryption_key)
    mail_password: str = msgspec.field(default_factory=_password)
    demo_password: str = msgspec.field(default_factory=lambda: secrets.token_urlsafe(12))
    world: DemoWorld | None = None
    has_demo_account: bool = False

    def save(self, home: Path) -> None:
        write_private(home / _FILE, msgspec.json.format(msgspec.json.encode(self), indent=2))


def load_or_make(home: Path) -> Credentials:
    """The home's credentials; raises CredentialsDamagedError."""
    path = home / _FILE
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Credentials)
    except FileNotFoundError:
        if (home / "postgres" / "data").exists():
            raise CredentialsDamagedError(
                f"{path} is missing, and without it the database in {home} cannot be opened. "
                f"Put a copy back, or remove {home} to begin again with an empty database"
            ) from None
        made = Credentials()
        made.save(home)
        return made
    except msgspec.DecodeError as error:
        raise CredentialsDamagedError(
            f"{path} is damaged ({error}). Put a copy back; without one, remove {home} to begin again "
            "with an empty database"
        ) from error
    # A newer version may know one more secret; it is made now and must be the same next time.
    found.save(home)
    return found


def write_private(path: Path, content: bytes) -> None:
    """0600 from its first byte, and whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
