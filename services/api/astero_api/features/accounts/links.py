"""Links in letters: 256 random bits for the person, their SHA-256 for the database, one use, a short life."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from astero_api.mail.kinds import ADDRESS_CHANGE_LIFETIME, RESET_LIFETIME, VERIFY_LIFETIME
from astero_shared.clock import utc_now
from astero_shared.errors import ForbiddenError, GoneError
from astero_shared.features.accounts.store import (
    Purpose,
    claim_account_token,
    count_account_tokens,
    find_account_token,
    get_user,
    insert_account_token,
)
from astero_shared.features.accounts.tables import AccountToken, User

MAX_LETTERS: Final = 3
"""To one account, of one purpose, in LETTERS_WINDOW."""
LETTERS_WINDOW: Final = timedelta(hours=6)
_LIFETIME: Final[dict[Purpose, timedelta]] = {
    "verify": VERIFY_LIFETIME,
    "reset": RESET_LIFETIME,
    "address": ADDRESS_CHANGE_LIFETIME,
    "notice": timedelta(0),
}


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def make_link(
    session: AsyncSession, user: User, purpose: Purpose, *, email: str | None = None
) -> str | None:
    """The token of a new link, which ends the older ones; None when the account has had its letters.

    Holds the account's row, so that two who ask at once are counted one after the other.
    """
    await get_user(session, user.id, lock=True)
    now = utc_now()
    if await count_account_tokens(session, user.id, purpose, since=now - LETTERS_WINDOW) >= MAX_LETTERS:
        return None
    token = secrets.token_urlsafe(32)
    await insert_account_token(
        session,
        AccountToken(
            user_id=user.id,
            purpose=purpose,
            token_hash=_hash(token),
            email=email,
            created_at=now,
            expires_at=now + _LIFETIME[purpose],
        ),
    )
    return token


def link_invalid() -> GoneError:
    """One answer for a token that is unknown, used, too old, or ended by a newer one."""
    return GoneError(code="accounts.link_invalid")


async def find_link(session: AsyncSession, purpose: Purpose, token: str) -> AccountToken:
    """Looks without using it up. Raises GoneError `accounts.link_invalid`."""
    found = await find_account_token(session, purpose, _hash(token), now=utc_now())
    if found is None:
        raise link_invalid()
    return found


async def find_own_link(session: AsyncSession, purpose: Purpose, token: str, user_id: UUID) -> AccountToken:
    """For links that bless what is there: reading the letter is not enough, one must be able to sign in too.

    Else whoever opens an account with somebody else's address has its owner confirm it for them, password and
    passkeys and all (Sudhodanan and Paverd, "Pre-hijacked accounts", 2022). Raises GoneError
    `accounts.link_invalid` or ForbiddenError `accounts.link_of_another`.
    """
    link = await find_link(session, purpose, token)
    if link.user_id != user_id:
        raise ForbiddenError(code="accounts.link_of_another")
    return link


async def use_link(session: AsyncSession, link: AccountToken) -> tuple[User, datetime]:
    """The account it opens, locked, and when. Raises GoneError `accounts.link_invalid`.

    The account is locked before the token, in the order in which links are made.
    """
    user = await get_user(session, link.user_id, lock=True)
    now = utc_now()
    if user.status != "active" or not await claim_account_token(session, link.id, now=now):
        raise link_invalid()
    return user, now
