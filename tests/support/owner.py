"""A dashboard user as their browser is: cookies kept by hand, because they are Secure and `__Host-`."""

import secrets
import time
from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import Any

import httpx
from support.house import House

PASSWORD = "four-words-nobody-guesses"
# bcrypt at cost 14 takes a second or two on a busy machine
_ANSWER_SECONDS = 30
# tests ask faster than people; what is refused for longer is refused on purpose
_POLITE_SECONDS = 10


class Owner:
    """One browser with its own address. `send` answers everything, the others expect a 2xx."""

    def __init__(self, house: House, *, email: str | None = None, password: str = PASSWORD) -> None:
        self.house = house
        self.email = email or f"{secrets.token_hex(6)}@example.com"
        self.password = password
        self.cookies: dict[str, str] = {}
        origin = house.stack.api_url
        self.http = httpx.Client(
            base_url=origin,
            trust_env=False,
            timeout=_ANSWER_SECONDS,
            headers={
                "Origin": origin,
                "Sec-Fetch-Site": "same-origin",
                "CF-Connecting-IP": house.new_address(),
            },
        )
        house.secrets.add(password)

    def close(self) -> None:
        self.http.close()

    def send(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = (headers or {}) | ({"Cookie": cookie} if cookie else {})
        answer = self.http.request(method, path, json=body, headers=sent)
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS and self._may_ask_again(answer):
            answer = self.http.request(method, path, json=body, headers=sent)
        # The jar of httpx would send nothing over plain HTTP; a browser does, on loopback.
        self.http.cookies.clear()
        for header in answer.headers.get_list("set-cookie"):
            self._keep(header)
        return self.house.note(answer)

    def _may_ask_again(self, refused: httpx.Response) -> bool:
        """From another address, or after the wait it names: what one may ask is tested elsewhere."""
        wait = int(refused.headers["retry-after"])
        if '"ip"' in refused.headers["ratelimit"]:
            self.http.headers["CF-Connecting-IP"] = self.house.new_address()
        elif wait <= _POLITE_SECONDS:
            time.sleep(wait)
        else:
            return False
        return True

    def _keep(self, header: str) -> None:
        for name, morsel in SimpleCookie(header).items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value
                self.house.secrets.add(morsel.value)

    def get(self, path: str) -> Any:
        return self._expect(self.send("GET", path))

    def post(self, path: str, body: Any = None) -> Any:
        return self._expect(self.send("POST", path, body))

    def put(self, path: str, body: Any) -> Any:
        return self._expect(self.send("PUT", path, body))

    def patch(self, path: str, body: Any) -> Any:
        return self._expect(self.send("PATCH", path, body))

    def delete(self, path: str) -> Any:
        return self._expect(self.send("DELETE", path))

    def register(self) -> None:
        self.post("/api/auth/register", {"email": self.email, "password": self.password})

    def log_in(self) -> None:
        self.post("/api/auth/login", {"email": self.email, "password": self.password})

    @classmethod
    def from_discord(cls, house: House) -> "Owner":
        """Somebody new, signed in without a password: that costs no seconds of bcrypt."""
        owner = cls(house)
        owner.sign_in_with_discord(house.people.create_user("ana", owner.email))
        return owner

    def sign_in_with_discord(self, user_id: str) -> None:
        """As this person of the sandbox: the button, Discord's own page, and back."""
        away = self.send("GET", "/api/auth/discord").headers["location"]
        agreed = httpx.post(
            away, data={"user_id": user_id, "decision": "authorize"}, trust_env=False, timeout=_ANSWER_SECONDS
        )
        back = httpx.URL(agreed.headers["location"])
        self.house.secrets.add(back.params["code"])
        answer = self.send("GET", back.raw_path.decode())
        assert answer.status_code == HTTPStatus.SEE_OTHER, answer.text

    def _expect(self, answer: httpx.Response) -> Any:
        if not answer.is_success:
            request = answer.request
            raise AssertionError(f"{request.method} {request.url.path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None


def problem_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The body of a refused call, which is always an RFC 9457 problem with a code and the request's id."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["code"]
    assert body["requestId"]
    return body
