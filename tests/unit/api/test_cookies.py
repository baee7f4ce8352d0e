"""The refresh token is seen by the routes that use it and by no other, however it is sent."""

from typing import Any

import pytest

from astero_api.web.cookies import ACCESS_COOKIE, REFRESH_COOKIE, drop_refresh_cookie, read_cookie

SENT = (
    (f"{ACCESS_COOKIE}=a; {REFRESH_COOKIE}=secret; theme=dark",),
    (f"{REFRESH_COOKIE}=secret; {ACCESS_COOKIE}=a",),
    (f"{REFRESH_COOKIE}=secret;{REFRESH_COOKIE}=secret; {ACCESS_COOKIE}=a",),
    # HTTP/2 may send each cookie in a header of its own (RFC 9113, 8.2.3)
    (f"{ACCESS_COOKIE}=a", f"{REFRESH_COOKIE}=secret", f" {REFRESH_COOKIE} =secret"),
)


def after(path: str, sent: tuple[str, ...]) -> Any:
    headers = [(b"host", b"x"), *((b"cookie", value.encode()) for value in sent)]
    scope: Any = {"type": "http", "path": path, "headers": headers}
    drop_refresh_cookie(scope)
    return scope


@pytest.mark.parametrize("sent", SENT)
def test_other_routes_do_not_see_it(sent: tuple[str, ...]) -> None:
    for path in ("/", "/api/auth/me", "/api/auth/refresh/", "/API/AUTH/REFRESH", "/api/bots"):
        scope = after(path, sent)
        assert b"secret" not in b"".join(value for _, value in scope["headers"]), path
        assert read_cookie(scope, ACCESS_COOKIE) == "a"


def test_the_routes_that_use_it_do() -> None:
    for path in ("/api/auth/refresh", "/api/auth/logout", "/api/auth/login", "/api/auth/discord/callback"):
        assert read_cookie(after(path, SENT[0]), REFRESH_COOKIE) == "secret"
