"""The one statement of every authenticated request: is this session alive, and whose is the bot."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import and_, col, select

from astero_shared.db.statements import Statement
from astero_shared.features.accounts.tables import User
from astero_shared.features.bots.tables import Bot
from astero_shared.features.sessions.tables import Session


@dataclass(frozen=True, slots=True)
class Standing:
    """A live session and its user. Of the bot that was asked about: is it theirs, or somebody else's."""

    user_id: UUID
    session_id: UUID
    email: str
    display_name: str | None
    locale: str
    authenticated_at: datetime
    email_verified: bool
    owns_bot: bool = False
    is_anothers_bot: bool = False


_COLUMNS: Final[tuple[Any, ...]] = (
    User.id, Session.id, User.email, User.display_name, User.locale, Session.authenticated_at,
    col(User.email_verified_at).is_not(None),
)  # fmt: skip
_IS_OWN: Final = col(Bot.owner_user_id).is_not_distinct_from(col(User.id))
_COLUMNS_WITH_BOT: Final[tuple[Any, ...]] = (
    *_COLUMNS,
    and_(col(Bot.id).is_not(None), _IS_OWN, col(Bot.removed_at).is_(None)),
    and_(col(Bot.id).is_not(None), ~_IS_OWN),
)
_ALIVE: Final = (
    col(Session.id) == bindparam("session_id"),
    col(Session.user_id) == bindparam("user_id"),
    col(Session.revoked_at).is_(None),
    col(Session.expires_at) > bindparam("now"),
    col(User.token_version) == bindparam("token_version"),
    col(User.status) == "active",
)

STANDING: Final = Statement(
    select(*_COLUMNS).join(Session, col(Session.user_id) == col(User.id)).where(*_ALIVE), Standing
)
"""session_id, user_id, token_version, now. None: ended, expired, another's, or the version moved on."""

STANDING_WITH_BOT: Final = Statement(
    select(*_COLUMNS_WITH_BOT)
    .join(Session, col(Session.user_id) == col(User.id))
    .outerjoin(Bot, col(Bot.id) == bindparam("bot_id"))
    .where(*_ALIVE),
    Standing,
)
"""The same with bot_id, answered by `owns_bot` and `is_anothers_bot`."""
