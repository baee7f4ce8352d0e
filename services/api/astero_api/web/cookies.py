"""The session cookies, and the one between two factors: host-only, HttpOnly, Secure, SameSite=Lax.

A token never leaves them.
"""

from typing import Final

from litestar.types import Scope

ACCESS_COOKIE: Final = "__Host-astero_at"
REFRESH_COOKIE: Final = "__Host-astero_rt"
MFA_COOKIE: Final = "__Host-astero_mfa"
_ATTRIBUTES: Final = "Path=/; Secure; HttpOnly; SameSite=Lax"
_MAX_COOKIE_HEADER: Final = 8192
_REFRESH: Final = REFRESH_COOKIE.encode()
# What uses the refresh token, and what begins a session and ends the one that is presented.
REFRESH_PATHS: Final = frozenset(
    {
        "/api/auth/refresh",
        "/api/auth/logout",
        "/api/auth/login",
        "/api/auth/discord/callback",
        "/api/auth/mfa/verify",
        "/api/auth/passkeys/sign-in",
    }
)


def drop_refresh_cookie(scope: Scope) -> None:
    """Takes the refresh token out of a request that has no use for it: `__Host-` sends it to every path."""
    if scope["path"] in REFRESH_PATHS:
        return
    for index, (key, value) in enumerate(scope["headers"]):
        if key == b"cookie" and _REFRESH in value:
            parts = [part for part in value.split(b";") if not part.strip().startswith(_REFRESH)]
            kept = [*scope["headers"]]
            kept[index] = (key, b";".join(parts).strip())
            scope["headers"] = kept  # pyright: ignore[reportGeneralTypeIssues]


def read_cookie(scope: Scope, name: str) -> str | None:
    """The cookie's value; None where it is absent, or sent twice (one of the two was planted)."""
    wanted = name.encode() + b"="
    found: str | None = None
    for key, value in scope["headers"]:
        if key != b"cookie" or len(value) > _MAX_COOKIE_HEADER:
            continue
        for part in value.split(b";"):
            stripped = part.strip()
            if stripped.startswith(wanted):
                if found is not None:
                    return None
                found = stripped[len(wanted) :].decode("latin-1")
    return found or None


def is_sent(scope: Scope, name: str) -> bool:
    """Whether the browser sends such a cookie, good or not."""
    return any(key == b"cookie" and name.encode() in value for key, value in scope["headers"])


def set_cookie(name: str, value: str, *, max_age: int) -> tuple[bytes, bytes]:
    """A Set-Cookie header; `max_age` in seconds."""
    return (b"set-cookie", f"{name}={value}; Max-Age={max_age}; {_ATTRIBUTES}".encode("ascii"))


def clear_cookie(name: str) -> tuple[bytes, bytes]:
    return set_cookie(name, "", max_age=0)
