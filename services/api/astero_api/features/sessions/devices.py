"""Telling people about a sign-in from a device and a network that their sessions have not shown before."""

from datetime import timedelta
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from astero_api.mail.kinds import MailKind
from astero_api.mail.outbox import queue_mail
from astero_shared.clock import utc_now
from astero_shared.features.accounts.tables import User
from astero_shared.features.sessions.devices import family_of, network_of
from astero_shared.features.sessions.store import list_places
from astero_shared.i18n import nearest_locale, text

_NEW_ACCOUNT: Final = timedelta(days=30)
"""As long as ended sessions are kept: an older account without any has forgotten them."""


async def tell_new_device(session: AsyncSession, user: User, *, user_agent: str | None, ip: str) -> None:
    """Before the session is written. The first sign-in to a new account is no news to whoever made it."""
    here = (family_of(user_agent), network_of(ip))
    known = {(family_of(agent), network_of(at)) for agent, at in await list_places(session, user.id)}
    if here in known or (not known and utc_now() - user.created_at < _NEW_ACCOUNT):
        return
    device, network = here
    await queue_mail(
        session,
        kind=MailKind.NEW_DEVICE,
        to=user.email,
        locale=user.locale,
        details={
            "device": device or text("mail.unknown_device", nearest_locale(user.locale)),
            "network": network or ip,
        },
    )
