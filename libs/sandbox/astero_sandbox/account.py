"""The demo account of the first run, opened the way a person does: through the public API."""

from http import HTTPStatus
from pathlib import Path

import httpx
import msgspec

from astero_sandbox.credentials import DEMO_EMAIL, Credentials
from astero_sandbox.demo import BRANDED_BOT

_DISPLAY_NAME = "Demo"
# bcrypt at cost 14 takes a second or two on a busy machine
_ANSWER_SECONDS = 30


class AccountRefusedError(Exception):
    """The API answered something else than a new account; the message holds its problem document."""


def open_account(api_url: str, credentials: Credentials, home: Path) -> Credentials:
    """Registers once and adds the branded bot of the demo server. Raises AccountRefusedError."""
    if credentials.has_demo_account or credentials.world is None:
        return credentials
    login = {"email": DEMO_EMAIL, "password": credentials.demo_password}
    bot = {"token": credentials.world.branded.bot_token, "name": BRANDED_BOT}
    try:
        # what a browser says when the dashboard's own page asks; without it nothing is changed
        page = {"Sec-Fetch-Site": "same-origin"}
        with httpx.Client(base_url=api_url, headers=page, trust_env=False, timeout=_ANSWER_SECONDS) as client:
            # Twice is harmless: an interrupted first run may have got this far already.
            client.post("/api/auth/register", json={**login, "displayName": _DISPLAY_NAME})
            _expect(client.post("/api/auth/login", json=login))
            # The cookies are Secure: browsers send them to loopback without TLS too, httpx does not.
            client.headers["Cookie"] = "; ".join(f"{c.name}={c.value}" for c in client.cookies.jar)
            _expect(client.post("/api/bots", json=bot), HTTPStatus.CONFLICT)
    except httpx.TransportError as error:
        raise AccountRefusedError(f"{type(error).__name__}: {error}") from error
    credentials = msgspec.structs.replace(credentials, has_demo_account=True)
    credentials.save(home)
    return credentials


def _expect(answer: httpx.Response, *also: int) -> None:
    if not answer.is_success and answer.status_code not in also:
        what = f"{answer.request.method} {answer.request.url.path}"
        raise AccountRefusedError(f"{what} answered {answer.status_code}: {answer.text[:500]}")
