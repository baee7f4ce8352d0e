"""Recovery codes: each opens one login, and tells of it."""

import asyncio

import httpx
import pytest
from support.api import browser, log_in, register, running_api
from support.mfa import actions, enable, first_step, run
from support.stack import Database

from astero_api.web.edge import Edge

VERIFY = "/api/auth/mfa/verify"


@pytest.fixture
async def ana(client: httpx.AsyncClient) -> httpx.AsyncClient:
    await register(client)
    await log_in(client)
    return client


async def test_a_recovery_code_opens_one_login_and_ends_every_other_session(
    ana: httpx.AsyncClient, api: Edge, database: Database
) -> None:
    _, codes = await enable(ana, database)
    async with browser(api, address="198.51.100.2") as new_phone:
        await first_step(new_phone)
        typed = codes[3].lower().replace("-", " ").replace("0", "o").replace("1", "l")
        answer = await new_phone.post(VERIFY, json={"recoveryCode": typed})
        assert answer.status_code == 200
        assert (await new_phone.get("/api/auth/me")).status_code == 200
        assert (await new_phone.get("/api/auth/mfa")).json()["recoveryCodesLeft"] == 9
        assert (await new_phone.post("/api/auth/mfa/disable")).status_code == 204
    assert (await ana.get("/api/auth/me")).status_code == 401
    assert (await ana.post("/api/auth/refresh")).status_code == 401
    assert "mfa:recovery_code:used" in actions(database)
    ((amr,),) = run(database, "SELECT amr FROM sessions WHERE revoked_at IS NULL")
    assert amr == ["pwd", "rec", "mfa"]


async def test_each_works_once_also_when_two_use_it_at_once(
    ana: httpx.AsyncClient, api: Edge, database: Database
) -> None:
    _, codes = await enable(ana, database)
    async with browser(api, address="198.51.100.2") as one, browser(api, address="198.51.100.3") as two:
        await asyncio.gather(first_step(one), first_step(two))
        answers = await asyncio.gather(
            *(who.post(VERIFY, json={"recoveryCode": codes[0]}) for who in (one, two))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 401]
    assert run(database, "SELECT count(*) FROM recovery_codes WHERE used_at IS NOT NULL") == [(1,)]
    async with browser(api, address="198.51.100.4") as three:
        await first_step(three)
        again = await three.post(VERIFY, json={"recoveryCode": codes[0]})
        assert (again.status_code, again.json()["code"]) == (401, "mfa.invalid_code")


async def test_new_ones_replace_all_before(ana: httpx.AsyncClient, api: Edge, database: Database) -> None:
    _, old = await enable(ana, database)
    renewed = await ana.post("/api/auth/mfa/recovery-codes")
    assert renewed.status_code == 200
    new = renewed.json()["recoveryCodes"]
    assert len(set(new)) == 10
    assert not set(old) & set(new)
    assert (await ana.get("/api/auth/me")).status_code == 200
    async with browser(api, address="198.51.100.2") as phone:
        await first_step(phone)
        assert (await phone.post(VERIFY, json={"recoveryCode": old[0]})).status_code == 401
        assert (await phone.post(VERIFY, json={"recoveryCode": new[0]})).status_code == 200


async def test_another_users_code_opens_nothing(
    ana: httpx.AsyncClient, api: Edge, database: Database
) -> None:
    await enable(ana, database)
    async with browser(api, address="198.51.100.2") as eve, browser(api, address="198.51.100.3") as thief:
        await register(eve, "eve@example.com")
        await log_in(eve, "eve@example.com")
        _, hers = await enable(eve, database)
        await first_step(thief)
        assert (await thief.post(VERIFY, json={"recoveryCode": hers[0]})).status_code == 401
        assert (await eve.get("/api/auth/mfa")).json()["recoveryCodesLeft"] == 10


async def test_a_rotated_pepper_leaves_printed_codes_good(
    ana: httpx.AsyncClient, api: Edge, database: Database, api_environment: dict[str, str]
) -> None:
    _, codes = await enable(ana, database)
    newer = "2:" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="
    rotated = api_environment | {"PASSWORD_PEPPER": f"{newer},{api_environment['PASSWORD_PEPPER']}"}
    async with running_api(rotated) as edge, browser(edge, address="198.51.100.9") as phone:
        await first_step(phone)
        assert (await phone.post(VERIFY, json={"recoveryCode": codes[0]})).status_code == 200
