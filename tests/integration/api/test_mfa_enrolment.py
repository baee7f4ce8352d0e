"""Switching two-step verification on and off."""

from uuid import UUID

import httpx
import pytest
from support.api import browser, log_in, register
from support.mfa import App, actions, enable, run
from support.stack import Database

from astero_api.web.edge import Edge
from astero_shared.crypto.fields import unseal
from astero_shared.crypto.keyring import Keyring


@pytest.fixture
async def ana(client: httpx.AsyncClient) -> httpx.AsyncClient:
    await register(client)
    await log_in(client)
    return client


async def test_it_is_off_until_a_code_was_proved(ana: httpx.AsyncClient, database: Database) -> None:
    begun = await ana.post("/api/auth/mfa/enroll")
    assert (await ana.get("/api/auth/mfa")).json()["enabled"] is False
    app = App(begun.json()["secret"])
    wrong = await ana.post("/api/auth/mfa/confirm", json={"code": app.wrong()})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "mfa.invalid_code")
    assert (await ana.get("/api/auth/mfa")).json()["enabled"] is False
    right = await ana.post("/api/auth/mfa/confirm", json={"code": app.code()})
    assert right.status_code == 200
    assert len(set(right.json()["recoveryCodes"])) == 10
    now = (await ana.get("/api/auth/mfa")).json()
    assert (now["enabled"], now["recoveryCodesLeft"]) == (True, 10)
    assert now["enabledAt"]
    assert actions(database)[-3:] == ["mfa:totp:enrolment_begun", "mfa:totp:enabled", "session:session:ended"]


async def test_the_seed_is_shown_once_and_kept_sealed(
    ana: httpx.AsyncClient, database: Database, api_environment: dict[str, str]
) -> None:
    begun = (await ana.post("/api/auth/mfa/enroll")).json()
    assert begun["secret"] in begun["otpauthUri"]
    assert begun["otpauthQr"].startswith("<svg")
    assert "<script" not in begun["otpauthQr"]
    ((user_id, blob),) = run(database, "SELECT user_id, ciphertext FROM totp_seeds")
    assert isinstance(user_id, UUID)
    keyring = Keyring.parse(api_environment["ENCRYPTION_KEY"])
    opened = unseal(keyring, table="totp_seeds", column="ciphertext", row=user_id, blob=blob)
    app = App(begun["secret"])
    assert opened == app.seed
    confirmed = await ana.post("/api/auth/mfa/confirm", json={"code": app.code()})
    dump = run(database, "SELECT jsonb_agg(to_jsonb(t)) FROM (SELECT * FROM recovery_codes) t")
    dump += run(database, "SELECT jsonb_agg(to_jsonb(audit_entries)) FROM audit_entries")
    for secret in (begun["secret"], *confirmed.json()["recoveryCodes"]):
        assert secret not in str(dump)
        assert secret not in (await ana.get("/api/auth/mfa")).text


async def test_a_newer_seed_replaces_one_that_was_never_proved(ana: httpx.AsyncClient) -> None:
    first = App((await ana.post("/api/auth/mfa/enroll")).json()["secret"])
    second = App((await ana.post("/api/auth/mfa/enroll")).json()["secret"])
    assert first.seed != second.seed
    assert (await ana.post("/api/auth/mfa/confirm", json={"code": first.code()})).status_code == 401
    assert (await ana.post("/api/auth/mfa/confirm", json={"code": second.code()})).status_code == 200


async def test_a_seed_that_was_not_proved_in_time_is_worth_nothing(
    ana: httpx.AsyncClient, database: Database
) -> None:
    app = App((await ana.post("/api/auth/mfa/enroll")).json()["secret"])
    run(database, "UPDATE totp_seeds SET created_at = created_at - interval '15 minutes 1 second'")
    late = await ana.post("/api/auth/mfa/confirm", json={"code": app.code()})
    assert (late.status_code, late.json()["code"]) == (409, "mfa.not_enrolled")


async def test_what_is_on_is_not_switched_on_again(ana: httpx.AsyncClient, database: Database) -> None:
    app, _ = await enable(ana, database)
    for path, body in (("enroll", None), ("confirm", {"code": app.code()})):
        again = await ana.post(f"/api/auth/mfa/{path}", json=body)
        assert (again.status_code, again.json()["code"]) == (409, "mfa.already_enabled")


async def test_what_is_off_is_not_switched_off(ana: httpx.AsyncClient) -> None:
    for path in ("disable", "recovery-codes"):
        answer = await ana.post(f"/api/auth/mfa/{path}")
        assert (answer.status_code, answer.json()["code"]) == (409, "mfa.not_enabled")
    unbegun = await ana.post("/api/auth/mfa/confirm", json={"code": "123456"})
    assert (unbegun.status_code, unbegun.json()["code"]) == (409, "mfa.not_enrolled")


@pytest.mark.parametrize("change", ["confirm", "disable"])
async def test_switching_ends_every_other_session_and_keeps_this_one(
    ana: httpx.AsyncClient, api: Edge, database: Database, change: str
) -> None:
    if change == "disable":
        await enable(ana, database)
    app = None
    if change == "confirm":
        app = App((await ana.post("/api/auth/mfa/enroll")).json()["secret"])
    async with browser(api, address="198.51.100.2") as phone:
        if change == "confirm":
            await log_in(phone)
        else:
            run(database, "UPDATE totp_seeds SET confirmed_at = NULL")
            await log_in(phone)
            run(database, "UPDATE totp_seeds SET confirmed_at = now()")
        before = dict(ana.cookies)
        body = None if app is None else {"code": app.code()}
        assert (await ana.post(f"/api/auth/mfa/{change}", json=body)).is_success
        assert (await phone.get("/api/auth/me")).status_code == 401
        assert (await phone.post("/api/auth/refresh")).status_code == 401
    assert (await ana.get("/api/auth/me")).status_code == 200
    assert (await ana.post("/api/auth/refresh")).status_code == 204
    assert (await ana.get("/api/auth/me")).status_code == 200
    ana.cookies.set("__Host-astero_at", before["__Host-astero_at"], domain="astero.test", path="/")
    assert (await ana.get("/api/auth/me")).status_code == 401


async def test_switching_off_forgets_everything(ana: httpx.AsyncClient, database: Database) -> None:
    await enable(ana, database)
    assert (await ana.post("/api/auth/mfa/disable")).status_code == 204
    assert run(database, "SELECT 1 FROM totp_seeds UNION ALL SELECT 1 FROM recovery_codes") == []
    assert "mfa:totp:disabled" in actions(database)
    await log_in(ana)


@pytest.mark.parametrize("path", ["enroll", "confirm", "disable", "recovery-codes"])
async def test_changing_the_factors_asks_for_a_recent_proof(
    ana: httpx.AsyncClient, database: Database, path: str
) -> None:
    await enable(ana, database)
    run(database, "UPDATE sessions SET authenticated_at = now() - interval '301 seconds'")
    body = {"code": "123456"} if path == "confirm" else None
    answer = await ana.post(f"/api/auth/mfa/{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.reauthentication_required")
    assert (await ana.get("/api/auth/mfa")).json()["recoveryCodesLeft"] == 10


async def test_with_a_second_factor_the_password_alone_proves_nothing(
    ana: httpx.AsyncClient, database: Database
) -> None:
    app, _ = await enable(ana, database)
    run(database, "UPDATE sessions SET authenticated_at = now() - interval '301 seconds'")
    answer = await ana.post("/api/auth/reauthenticate", json={"password": "whatever-it-may-be"})
    assert (answer.status_code, answer.json()["code"]) == (403, "mfa.required")
    wrong = await ana.post("/api/auth/reauthenticate", json={"code": app.wrong()})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "mfa.invalid_code")
    code = {"code": app.code()}
    right = await ana.post("/api/auth/reauthenticate", json=code)
    assert right.status_code == 204
    again = await ana.post("/api/auth/reauthenticate", json=code)
    assert again.status_code == 401
    assert (await ana.post("/api/auth/mfa/disable")).status_code == 204


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"password": "x", "code": "123456"},
        {"code": None},
        {"code": ""},
        {"code": "1" * 65},
        {"code": 123456},
    ],
    ids=str,
)
async def test_a_proof_is_exactly_one(ana: httpx.AsyncClient, body: dict[str, object]) -> None:
    assert (await ana.post("/api/auth/reauthenticate", json=body)).status_code == 422


async def test_a_code_proves_nothing_where_no_app_is_set_up(ana: httpx.AsyncClient) -> None:
    answer = await ana.post("/api/auth/reauthenticate", json={"code": "123456"})
    assert (answer.status_code, answer.json()["code"]) == (401, "mfa.invalid_code")
