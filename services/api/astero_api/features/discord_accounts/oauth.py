"""Discord's OAuth2 as we use it: authorization code with PKCE S256, scopes `identify guilds email`.

https://discord.com/developers/docs/topics/oauth2
"""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from loguru import logger

from astero_api.settings import ApiSettings
from astero_shared.errors import ForbiddenError, UnavailableError
from astero_shared.observability.masking import Masked
from astero_shared.outbound.http import create_client
from astero_shared.settings import Secret

SCOPES: Final = "identify guilds email"
_MANAGE_GUILD: Final = 1 << 5
_ADMINISTRATOR: Final = 1 << 3
_SHORT_WAIT_SECONDS: Final = 2
_USUAL_WAIT_SECONDS: Final = 10
_LONGEST_WAIT_SECONDS: Final = 600

T = TypeVar("T")


class Tokens(Masked, frozen=True):
    """`expires_in` is in seconds from now."""

    access_token: str
    refresh_token: str
    expires_in: int


class DiscordUser(msgspec.Struct, frozen=True):
    """`email` only counts when Discord has `verified` it."""

    id: str
    username: str
    global_name: str | None = None
    email: str | None = None
    verified: bool = False
    locale: str | None = None


class UserGuild(msgspec.Struct, frozen=True):
    """One server of the user, with the permissions they have there now (a decimal string)."""

    id: str
    name: str
    owner: bool = False
    permissions: str = "0"

    @property
    def managed(self) -> bool:
        return self.may(_MANAGE_GUILD)

    def may(self, permission: int) -> bool:
        """Whether the user has one of the bits of `permission` there; owners and administrators have all."""
        return self.owner or bool(int(self.permissions) & (permission | _ADMINISTRATOR))


class DiscordRefusedError(ForbiddenError):
    """Discord no longer accepts the user's authorisation: they have to connect again."""

    default_code = "discord_accounts.reconnect"


@dataclass(frozen=True, slots=True)
class DiscordOAuth:
    """`http` reaches Discord's API only; `redirect_uri` must be registered with the application."""

    http: httpx.AsyncClient
    api_url: str
    client_id: str
    client_secret: Secret
    redirect_uri: str

    def authorize_url(self, *, state: str, verifier: str) -> str:
        """Where to send the browser; `verifier` stays here and only its SHA-256 travels."""
        parts = urlsplit(self.api_url)
        return prepare_grant_uri(
            f"{parts.scheme}://{parts.netloc}/oauth2/authorize",
            self.client_id,
            "code",
            redirect_uri=self.redirect_uri,
            scope=SCOPES,
            state=state,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
            prompt="none",
        )

    async def exchange(self, *, code: str, verifier: str) -> Tokens:
        return await self._token(
            grant_type="authorization_code", code=code, redirect_uri=self.redirect_uri, code_verifier=verifier
        )

    async def refresh(self, refresh_token: str) -> Tokens:
        return await self._token(grant_type="refresh_token", refresh_token=refresh_token)

    async def who_is(self, access_token: str) -> DiscordUser:
        return await self._get("/users/@me", access_token, DiscordUser)

    async def list_guilds(self, access_token: str) -> list[UserGuild]:
        return await self._get("/users/@me/guilds", access_token, list[UserGuild])

    async def revoke(self, refresh_token: str) -> None:
        """Discord ends the pair of tokens it belongs to (RFC 7009)."""
        form = {"token": refresh_token, "token_type_hint": "refresh_token"}
        await self._ask("POST", "/oauth2/token/revoke", object, data=form, auth=self._credentials())

    async def _token(self, **form: str) -> Tokens:
        return await self._ask("POST", "/oauth2/token", Tokens, data=form, auth=self._credentials())

    def _credentials(self) -> httpx.BasicAuth:
        return httpx.BasicAuth(self.client_id, self.client_secret.reveal())

    async def _get(self, path: str, access_token: str, kind: type[T]) -> T:
        return await self._ask("GET", path, kind, headers={"authorization": f"Bearer {access_token}"})

    async def _ask(self, method: str, path: str, kind: type[T], **options: Any) -> T:
        """Raises DiscordRefusedError for what the user must mend, UnavailableError for everything else."""
        try:
            response = await self.http.request(method, self.api_url + path, **options)
            if (
                response.status_code == HTTPStatus.TOO_MANY_REQUESTS
                and _wait_of(response) <= _SHORT_WAIT_SECONDS
            ):
                # one question a second is what some addresses allow: not enough to refuse a person for
                await asyncio.sleep(_wait_of(response))
                response = await self.http.request(method, self.api_url + path, **options)
            if _is_users_to_mend(method, response):
                raise DiscordRefusedError
            if response.is_client_error:
                # our credentials, or how much we ask: nobody but the operator can mend it
                logger.error("discord answered the api {} at {}", response.status_code, path)
            response.raise_for_status()
            return msgspec.json.decode(response.content, type=kind)
        except httpx.HTTPStatusError as error:
            raise _unavailable(_wait_of(error.response)) from None
        except (httpx.HTTPError, msgspec.MsgspecError):
            raise _unavailable() from None


def _wait_of(response: httpx.Response) -> int:
    """What Retry-After asks for, in seconds; our own guess where it says nothing."""
    asked = response.headers.get("retry-after", "")
    return min(int(asked), _LONGEST_WAIT_SECONDS) if asked.isdecimal() else _USUAL_WAIT_SECONDS


def _unavailable(retry_after: int = _USUAL_WAIT_SECONDS) -> UnavailableError:
    return UnavailableError(code="discord.unavailable", retry_after=retry_after)


def _is_users_to_mend(method: str, response: httpx.Response) -> bool:
    """A code or a token that Discord takes no more (RFC 6749, 5.2; RFC 6750, 3.1)."""
    if method == "GET":
        return response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    return response.status_code == HTTPStatus.BAD_REQUEST and b"invalid_grant" in response.content


def connect_oauth(settings: ApiSettings) -> DiscordOAuth | None:
    """None where the operator has set no client: signing in with Discord is then not offered."""
    if settings.discord_client_id is None or settings.discord_client_secret is None:
        return None
    return DiscordOAuth(
        http=create_client(allowed=[settings.discord_api_url]),
        api_url=settings.discord_api_url,
        client_id=settings.discord_client_id,
        client_secret=settings.discord_client_secret,
        redirect_uri=f"{settings.public_url}/api/auth/discord/callback",
    )
