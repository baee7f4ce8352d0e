"""A forgotten password is no way around the second factor, and its letters arrive."""

import httpx
import pytest
from support.api import PASSWORD, browser, log_in, register
from support.mail import MailSandbox, token_of
from support.mfa import enable, first_step, forget_used
from support.office import Office
from support.stack import Database

from astero_api.web.edge import Edge

ANA = "ana@example.com"
NEW = "another-set-of-words"


@pytest.fixture
async def ana(client: httpx.AsyncClient, office: Office, mail: MailSandbox) -> httpx.AsyncClient:
    await register(client)
    await log_in(client)
    await office.work()
    mail.clear()
    return client


async def test_a_new_password_is_the_first_of_two_steps_still(
    ana: httpx.AsyncClient, api: Edge, database: Database, office: Office, mail: MailSandbox
) -> None:
    app, _ = await enable(ana, database)
    office.change("UPDATE users SET email_verified_at = now()")
    await office.work()
    mail.clear()
    async with browser(api, address="198.51.100.9") as anybody:
        await first_step(anybody)
        await anybody.post("/api/auth/password/forgot", json={"email": ANA})
        await office.work()
        body = {"token": token_of(mail.messages(ANA)[0]), "password": NEW}
        assert (await anybody.post("/api/auth/password/reset", json=body)).status_code == 204
        # what the old password began is over
        late = await anybody.post("/api/auth/mfa/verify", json={"code": app.code()})
        assert (late.status_code, late.json()["code"]) == (401, "auth.unauthenticated")
        answer = await anybody.post("/api/auth/login", json={"email": ANA, "password": NEW})
        assert answer.json()["mfaRequired"] is True
        assert (await anybody.get("/api/auth/me")).status_code == 401
        forget_used(database)
        assert (await anybody.post("/api/auth/mfa/verify", json={"code": app.code()})).status_code == 200
    wrong = await ana.post("/api/auth/login", json={"email": ANA, "password": PASSWORD})
    assert wrong.status_code == 401


async def test_letters_tell_of_every_change(
    ana: httpx.AsyncClient, api: Edge, database: Database, office: Office, mail: MailSandbox
) -> None:
    _, codes = await enable(ana, database)
    async with browser(api, address="198.51.100.9") as phone:
        await first_step(phone)
        answer = await phone.post("/api/auth/mfa/verify", json={"recoveryCode": codes[0]})
        assert answer.status_code == 200
        assert (await phone.post("/api/auth/mfa/disable")).status_code == 204
    await office.work()
    letters = "\n".join(str(message) for message in mail.messages(ANA))
    assert len(mail.messages(ANA)) >= 3
    for code in codes:
        assert code not in letters
