"""Which servers a dashboard user manages, by Discord's word of at most 60 seconds ago."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID
from weakref import WeakValueDictionary

from sqlalchemy.ext.asyncio import AsyncEngine

from astero_api.features.discord_accounts.oauth import DiscordOAuth, DiscordRefusedError, UserGuild
from astero_api.features.discord_accounts.sealing import seal_tokens, unseal_token
from astero_shared.clock import utc_now
from astero_shared.crypto.keyring import Keyring
from astero_shared.db.session import reading, transaction
from astero_shared.errors import ForbiddenError
from astero_shared.features.discord_accounts.store import find_discord_account, replace_tokens
from astero_shared.features.discord_accounts.tables import DiscordAccount

_FRESH_SECONDS: Final = 60.0
"""A user demoted in Discord loses access within this time."""
_REMEMBERED_USERS: Final = 10_000
_OTHER_PROCESS_SECONDS: Final = (0.1, 0.4, 1.0)


class NotConnectedError(ForbiddenError):
    """The user has shown us no Discord account."""

    default_code = "discord_accounts.not_connected"


@dataclass(frozen=True, slots=True)
class _Answer:
    asked_at: float
    guilds: dict[int, UserGuild]


class ManagedServers:
    """Asks Discord in the user's name, and remembers the answer for a minute in this process."""

    def __init__(self, engine: AsyncEngine, keyring: Keyring, oauth: DiscordOAuth) -> None:
        self._engine = engine
        self._keyring = keyring
        self._oauth = oauth
        self._answers: OrderedDict[UUID, _Answer] = OrderedDict()
        self._turns: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def of(self, user_id: UUID, *, ask_again: bool = False) -> dict[int, UserGuild]:
        """The servers where the user may change settings, by id; `ask_again` before what cannot be undone.

        Raises NotConnectedError, or DiscordRefusedError when Discord wants the account connected again.
        """
        now = time.monotonic()
        oldest = now if ask_again else now - _FRESH_SECONDS
        # One question at a time for a person: a page that asks us five things asks Discord one, and of two
        # that find the access token expired one uses the refresh token up, which works once.
        async with self._turns.setdefault(user_id, asyncio.Lock()):
            known = self._answers.get(user_id)
            if known is not None and known.asked_at > oldest:
                return known.guilds
            self._answers.pop(user_id, None)
            asked_at = time.monotonic()
            guilds = await self._oauth.list_guilds(await self._access_token(user_id))
            managed = {int(guild.id): guild for guild in guilds if guild.managed}
            self._answers[user_id] = _Answer(asked_at, managed)
            if len(self._answers) > _REMEMBERED_USERS:
                self._answers.popitem(last=False)
            return managed

    async def manages(self, user_id: UUID, guild_id: int, *, ask_again: bool) -> bool:
        """Raises DiscordRefusedError when Discord wants the account connected again."""
        try:
            return guild_id in await self.of(user_id, ask_again=ask_again)
        except NotConnectedError:
            return False

    def forget(self, user_id: UUID) -> None:
        self._answers.pop(user_id, None)

    async def give_back(self, user_id: UUID, refresh_ciphertext: bytes) -> None:
        """Let Discord forget the tokens of an account that was disconnected. Raises UnavailableError."""
        self.forget(user_id)
        await self._oauth.revoke(
            unseal_token(self._keyring, "refresh_ciphertext", user_id, refresh_ciphertext)
        )

    async def _access_token(self, user_id: UUID) -> str:
        account = await self._account(user_id)
        if account.access_expires_at > utc_now() + timedelta(seconds=30):
            return self._unsealed(account)
        used = account.refresh_ciphertext
        try:
            tokens = await self._oauth.refresh(
                unseal_token(self._keyring, "refresh_ciphertext", user_id, used)
            )
        except DiscordRefusedError:
            return await self._refreshed_elsewhere(user_id, used)
        async with transaction(self._engine) as session:
            await replace_tokens(
                session, user_id, refresh_used=used, **seal_tokens(self._keyring, user_id, tokens)
            )
        return tokens.access_token

    async def _refreshed_elsewhere(self, user_id: UUID, used: bytes) -> str:
        """Another process may have used the refresh token up a moment ago: what it got is stored soon.

        Raises DiscordRefusedError where nobody has.
        """
        for wait in _OTHER_PROCESS_SECONDS:
            await asyncio.sleep(wait)
            account = await self._account(user_id)
            if account.refresh_ciphertext != used:
                return self._unsealed(account)
        raise DiscordRefusedError

    async def _account(self, user_id: UUID) -> DiscordAccount:
        async with reading(self._engine) as session:
            account = await find_discord_account(session, user_id)
        if account is None:
            raise NotConnectedError
        return account

    def _unsealed(self, account: DiscordAccount) -> str:
        return unseal_token(self._keyring, "access_ciphertext", account.user_id, account.access_ciphertext)
