"""Of everything secret, nothing stands in a log line or in an answer, whatever went wrong on the way.

What other tests of the same process did is searched as well, once more when everything has ended.
"""

import pytest
from support.hosted import HostedBot, new_application
from support.house import House
from support.owner import Owner
from support.server import Server


@pytest.fixture
def careless(house: House, owner: Owner, bot: HostedBot) -> HostedBot:
    """Someone whose every secret has met an error: typed wrong, refused, reset, and in the wrong place."""
    typed = (
        "a-password-typed-by-mistake",
        "MTA5OTk5OTk5OTk5OTk5OTk5.GaBcDe.typed-by-mistake-typed-by-mistake",
    )
    house.secrets |= set(typed)
    password, token = typed
    for method, path, body in (
        ("POST", "/api/auth/login", {"email": owner.email, "password": password}),
        ("POST", "/api/auth/login", {"email": owner.email, "password": password, "surprise": password}),
        ("POST", "/api/auth/login", {"email": password, "password": 7}),
        ("POST", "/api/bots", {"token": token}),
        ("POST", "/api/bots", {"token": token, "discordToken": token}),
        ("POST", "/api/bots", {"token": [token]}),
        ("POST", "/api/bots", {"token": bot.application.token}),
        ("PUT", f"{bot.path}/token", {"token": new_application(house).token}),
        ("PUT", f"{bot.path}/token", {"token": token}),
        ("GET", f"/api/bots/{token}", None),
        ("GET", f"/api/bots?cursor={token}", None),
        ("GET", f"/{bot.application.token}", None),
    ):
        owner.send(method, path, body)
    owner.send("POST", "/api/auth/refresh", headers={"Authorization": f"Bearer {bot.application.token}"})
    broken = HostedBot.create(owner, new_application(house))
    broken.wait_state("online")
    reset = house.people.patch(f"/applications/{broken.application.id}", botToken="reset")
    house.secrets.add(reset["botToken"])
    house.people.fault("expire_sessions", applicationId=broken.application.id)
    house.people.fault("disconnect", applicationId=broken.application.id)
    broken.wait_state("token_invalid", "bots.token_invalid")
    house.ask("UPDATE bot_tokens SET ciphertext = ciphertext || '\\x00' WHERE bot_id = %s", broken.id)
    owner.put(f"{broken.path}/token", {"token": reset["botToken"]})
    return broken


def test_no_secret_is_logged_or_answered(house: House, careless: HostedBot) -> None:
    careless.wait_state("online")
    visitor = Owner(house)
    visitor.sign_in_with_discord(Server(house).owner_id)
    visitor.post("/api/auth/logout")
    visitor.close()
    engine = house.stack.engine
    before = engine.pid
    engine.kill()
    house.comes_back(engine, before)
    assert len(house.secrets) > 20
    assert {"api", "worker", "engine"} <= {name for name, lines in house.lines.items() if lines}
    assert house.leaks() == []


def test_a_leak_would_be_found(house: House) -> None:
    """The search itself: in a line of a log, and in an answer's body and headers."""
    house.secrets.add("a-canary-that-nobody-may-see")
    assert house.leaks() == []
    house.lines["canary"].append('{"msg":"here: a-canary-that-nobody-may-see"}')
    found = house.leaks()
    house.lines.pop("canary")
    house.secrets.discard("a-canary-that-nobody-may-see")
    assert found == ['canary: a-ca…: {"msg":"here: ***"}']
