"""Who is signed in: a value that exists only where the session was found alive in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from astero_shared.i18n import Locale
from astero_shared.scope import Actor


@dataclass(frozen=True, slots=True)
class Identity:
    """The user and session behind one request; `authenticated_at` is when they last proved who they are."""

    user_id: UUID
    session_id: UUID
    email: str
    display_name: str | None
    locale: Locale
    authenticated_at: datetime
    email_verified: bool

    @property
    def actor(self) -> Actor:
        return Actor(kind="user", id=str(self.user_id), name=self.display_name)
