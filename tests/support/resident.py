"""Somebody signed in who has one of everything: a bot, a server, a case, a webhook, revisions, sessions."""

from http.cookies import SimpleCookie
from typing import Any

import httpx
from support.api import ORIGIN, PASSWORD
from support.hosting import GUILD, insert_bot, insert_installation
from support.stack import Database

from astero_shared.ids import new_id


class Resident:
    """A browser at the api of `base_url`. `places` are the path parameters that lead to what is theirs."""

    def __init__(self, base_url: str, database: Database) -> None:
        self._database = database
        self.http = httpx.Client(base_url=base_url, trust_env=False, timeout=30)
        self.cookies: dict[str, str] = {}
        self.places: dict[str, str] = {}
        self._number = 0

    @property
    def headers(self) -> dict[str, str]:
        """What a browser sends along; its cookies too, although this is no TLS."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Sec-Fetch-Site": "same-origin", "Origin": ORIGIN} | ({"Cookie": cookie} if cookie else {})

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, path, json=body, headers=self.headers)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        self.keep(answer.headers.get_list("set-cookie"))
        return answer.json() if answer.content else None

    def keep(self, set_cookies: list[str]) -> None:
        self.http.cookies.clear()
        for line in set_cookies:
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value

    def move_in(self) -> None:
        """Everything anew, because what there was may be gone; the account too, unless it is signed in."""
        self._number += 1
        if not self.is_signed_in():
            self.cookies = {}
            email = f"{new_id().hex}@example.com"
            self.ask("POST", "/api/auth/register", {"email": email, "password": PASSWORD})
            self.ask("POST", "/api/auth/login", {"email": email, "password": PASSWORD})
        owner = self.ask("GET", "/api/auth/me")["id"]
        bot_id = insert_bot(self._database.admin, owner, application_id=1100000000000000000 + self._number)
        insert_installation(self._database.admin, bot_id)
        guild = f"/api/bots/{bot_id}/guilds/{GUILD}"
        self.ask("PATCH", f"{guild}/modules/cases", {"defaultTimeoutMinutes": 7})
        self.ask("PATCH", f"{guild}/modules/cases", {"defaultTimeoutMinutes": 8})
        case = {"action": "warn", "targetId": "1100000000000000009"}
        hook = self.ask("POST", f"{guild}/webhooks", {"url": "https://hooks.example.com/astero"})
        self.ask("POST", f"{guild}/webhooks/{hook['id']}/test")
        deliveries = self.ask("GET", f"{guild}/webhooks/{hook['id']}/deliveries")["items"]
        self.places = {
            "botId": str(bot_id),
            "guildId": str(GUILD),
            "module": "cases",
            "revision": "1",
            "number": str(self.ask("POST", f"{guild}/cases", case)["number"]),
            "webhookId": hook["id"],
            "deliveryId": deliveries[0]["id"],
            "passkeyId": str(new_id()),
            "sessionId": self.ask("GET", "/api/auth/sessions")["items"][0]["id"],
        }

    def is_signed_in(self) -> bool:
        return self.http.get("/api/auth/me", headers=self.headers).is_success

    def at_home(self) -> bool:
        """Whether it is all still there."""
        guild = "/api/bots/{botId}/guilds/{guildId}".format_map(self.places)
        return all(
            self.http.get(path.format_map(self.places), headers=self.headers).is_success
            for path in (guild, f"{guild}/webhooks/{{webhookId}}")
        )
