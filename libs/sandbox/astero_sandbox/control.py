"""The sandbox Discord's control API: makes applications, people and servers, and lets them act."""

from collections.abc import Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import httpx


class Control:
    """Blocking; every call raises httpx.HTTPStatusError for an answer that is not 2xx. Ids are strings."""

    def __init__(self, url: str) -> None:
        # longer than an interaction is followed
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def create_application(self, name: str) -> dict[str, Any]:
        """`{applicationId, botToken, clientSecret, publicKey, …}`"""
        return self._send("POST", "/sandbox/applications", {"name": name})

    def allow_redirects(self, application_id: str, uris: Sequence[str]) -> None:
        """Where signing in with Discord may send people back to."""
        path = f"/sandbox/applications/{application_id}"
        self._send("PATCH", path, {"redirectUris": list(uris)})

    def create_user(self, username: str, email: str) -> str:
        made = self._send("POST", "/sandbox/users", {"username": username, "email": email})
        return made["userId"]

    def create_guild(self, name: str, *, owner_id: str) -> dict[str, Any]:
        """`{guildId, channels: [{id, name}], roles: [{id, name}]}`"""
        return self._send("POST", "/sandbox/guilds", {"name": name, "ownerId": owner_id})

    def join(
        self,
        guild_id: str,
        *,
        user_id: str | None = None,
        application_id: str | None = None,
        roles: Sequence[str] = (),
        permissions: int | None = None,
    ) -> None:
        """A person by `user_id`, a bot by `application_id`.

        `roles` are ids or names; `permissions` (Discord's bits) are given through a role of their own.
        """
        who = {"userId": user_id} if application_id is None else {"applicationId": application_id}
        granted = {} if permissions is None else {"permissions": str(permissions)}
        body = {**who, **granted, "roles": list(roles)}
        self._send("POST", f"/sandbox/guilds/{guild_id}/members", body)

    def leave(self, guild_id: str, user_id: str) -> None:
        self._send("DELETE", f"/sandbox/guilds/{guild_id}/members/{user_id}")

    def post_message(self, channel_id: str, *, user_id: str, content: str) -> dict[str, Any]:
        """The message object, as it was when it was sent."""
        body = {"userId": user_id, "content": content}
        return self._send("POST", f"/sandbox/channels/{channel_id}/messages", body)

    def list_messages(self, channel_id: str) -> list[dict[str, Any]]:
        """What the channel shows now."""
        return self._send("GET", f"/sandbox/channels/{channel_id}/messages")

    def interact(self, channel_id: str, **body: Any) -> dict[str, Any]:
        """`userId, applicationId, command, options` → what the user sees."""
        return self._send("POST", f"/sandbox/channels/{channel_id}/interactions", body)

    def log(self, since: int = 0) -> Any:
        """REST calls and gateway frames in order, tokens masked."""
        return self._send("GET", f"/sandbox/log?since={since}")

    def fault(self, kind: str, **details: Any) -> Any:
        return self._send("POST", "/sandbox/faults", {"kind": kind, **details})

    def accepts_token(self, token: str) -> bool:
        """Whether Discord knows this bot: asked the way a bot asks."""
        answer = self._client.get("/api/v10/users/@me", headers={"Authorization": f"Bot {token}"})
        return answer.status_code == HTTPStatus.OK

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._client.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None
