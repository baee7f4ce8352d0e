"""Secrets in running text: what is found by shape, what ordinary text keeps, and what hostile text costs."""

import base64
import re

import pytest

from astero_shared.observability.redaction import redact_text
from astero_shared.observability.shapes import is_card_number

CANARY = "cAn4ryVaLue77"
TOKEN = base64.b64encode(b"1234567890123456789").decode().rstrip("=") + ".GhIjKl." + "aB3-_" * 7 + "xyz"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        (f"logging in with {TOKEN} now", TOKEN),
        (f"'{TOKEN}'", TOKEN),
        (f"jwt {JWT}.", JWT),
        ("cut off eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9"),
        ("stripe sk_live_51Habcdefghijk", "51Habcdefghijk"),
        ("rk_test_abcdefgh12345678", "abcdefgh12345678"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZ", "MfKQ9r8GKYqrTwjUPD8ILPZ"),
        (f"header Bearer {CANARY}", CANARY),
        (f"BEARER {CANARY}", CANARY),
        ("Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
        (f"postgresql://astero:{CANARY}@db/astero", CANARY),
        ("redis://:p@ss/w0rd@host:1/0", "ss/w0rd"),
        ("redis://:1234/abc@host:1/0", "1234/abc"),
        ("postgresql://astero:12345678/abc@host/db", "12345678/abc"),
        (f"https://user:{CANARY}@[::1]:8000/p?x=1@y", CANARY),
        (f"https://a:1/x,https://user:{CANARY}@host/p", CANARY),
        (f"see https://user:{CANARY}@host/p, then https://b:1/c@d", CANARY),
        ("paid with 4242 4242 4242 4242 today", "4242 4242"),
        ("4242-4242-4242-4242", "4242-4242"),
        ("card=5555555555554444,", "5555555555554444"),
        ("number 4242424242424242 12/29 123", "4242424242424242"),
        ("amex 3782 822463 10005", "822463"),
        ("to someone.else+tag@mail.example.org failed", "someone.else"),
        ("mailto%3Asomeone%40example.org", "someone%40"),
        (f"GET /cb?code={CANARY}&state=xyz99abc", CANARY),
        ("GET /cb?code=a&state=xyz99abc", "xyz99abc"),
        (f"GET /x?access_token={CANARY}#frag", CANARY),
        (f"a=1 password={CANARY} b=2", CANARY),
        (f"password: {CANARY}", CANARY),
        (f"PASSWORD={CANARY}", CANARY),
        (f'{{"discordToken": "{CANARY} with spaces"}}', "with spaces"),
        (f"{{'token': '{CANARY}'}}", CANARY),
        (f"{{'tokens': ['{CANARY}', '2{CANARY}'], 'x': 1}}", CANARY),
        (f"Login(password='{CANARY}', name='x')", CANARY),
        (f'{{\\"password\\": \\"{CANARY}\\"}}', CANARY),
        (f"[('Authorization', '{CANARY} x y')]", "x y"),
        (f"[(b'authorization', b'{CANARY}')]", CANARY),
        (f"Authorization: Token {CANARY} {CANARY}", CANARY),
        (f"Cookie: a={CANARY}; b={CANARY}\r\nHost: x", CANARY),
        (f"x-api-key: {CANARY}", CANARY),
        (f"API key: {CANARY}", CANARY),
        (f"Using code_verifier: '{CANARY}'", CANARY),
        (f"token%3D{CANARY}", CANARY),
        ("your otp=123456", "123456"),
        ("__Host-astero_rt=opaque99value; Path=/", "opaque99value"),
        (f"POST https://discord.com/api/webhooks/123456789012345678/{CANARY * 3}", CANARY),
        (f"POST /api/v10/interactions/123/{CANARY * 3}/callback", CANARY),
        ("(Session ID: 0123456789abcdef0123456789abcdef).", "0123456789abcdef"),
        ("RESUMED session 0123456789abcdef0123456789abcdef.", "0123456789abcdef"),
        (f"[SQL: SELECT 1]\n[parameters: ('{CANARY}', 1)]\n(Background on this error", CANARY),
        (f"[generated in 0.00015s] ('{CANARY}',)", CANARY),
        (f"DETAIL:  Key (email_key)=({CANARY}) already exists.", CANARY),
        (f"DETAIL:  Failing row contains (1, {CANARY}, null).", CANARY),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----", "MIIEow"),
    ],
)
def test_found(text: str, gone: str) -> None:
    redacted = redact_text(text)
    assert gone not in redacted
    assert "[redacted:" in redacted
    assert redact_text(redacted) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "automod acted on message in guild rule=words action=delete",
        "bots.token_invalid: the token was refused, invalid token: expired",
        "error code=50013 state=running",
        "guild 1234567890123456789 user 424242424242424242 7",
        'File "/srv/astero_api/session.py", line 12, in open_session',
        "astero_api/features/sessions/service.session.py:123",
        "basic authentication failed, Bearer missing",
        "https://discord.com/api/v10/gateway/bot?state=active",
        "https://a/b?x=1@y",
        "https://a/b:c@d",
        "https://a:8443/b?x=1@y",
        "http://127.0.0.1:8000/@nova/posts#a@b",
        "http://[::1]:8000/b?x=1@y",
        "http://[::1]/b:c@d",
        "from http://127.0.0.1:8000, to nova@reef",
        "http://a:80,http://b:81/c@d",
        "https://user@host:8000/p",
        "0192f3c4-1111-7222-8333-444455556666",
        "listening on 127.0.0.1:8000, took 1234567890123 ns at 1795447566299",
        "<@123456789012345678> said hello @ 12:30",
        "requested 2 sessions, tokens_used=12 token_type=bearer",
    ],
)
def test_kept(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("address", "left"),
    [
        ("https://user:pass@host/p", "https://user:*@host/p"),
        ("https://user:pass@host:8000/p?x=1", "https://user:*@host:8000/p?x=1"),
        ("redis://:pass@[::1]:6379/0", "redis://:*@[::1]:6379/0"),
        ("https://a:8443/b https://user:pass@host/p", "https://a:8443/b https://user:*@host/p"),
    ],
)
def test_an_address_keeps_all_but_its_password(address: str, left: str) -> None:
    assert re.sub(r"\[redacted:[0-9a-f]{8}\]", "*", redact_text(address)) == left


@pytest.mark.parametrize("number", ["4242424242424242", "378282246310005", "6304000000000000000"])
def test_cards(number: str) -> None:
    assert is_card_number(number)


def test_discord_ids_are_no_cards() -> None:
    ids = range(1_100_000_000_000_000_000, 1_100_000_000_000_001_000)
    old = range(410_000_000_000_000_000, 410_000_000_000_001_000)
    assert not any(is_card_number(str(i)) for i in (*ids, *old))


@pytest.mark.parametrize(
    "piece",
    [
        "a", "token=", "://a:", "eyJ", "-----BEGIN PRIVATE KEY-----", "a.", "a@", "1", "1 ", "Bearer ",
        "'password', ", "token={", "((((", "MMMMMMMMMMMMMMMMMMMMMMMM.aaaaaa.", "session id ", "\\", "cookie:",
        "a@b.", "0 ", "4242-", "/webhooks/1/",
    ],
)  # fmt: skip
@pytest.mark.timeout(20)  # linear: a tenth of a second; quadratic: minutes
def test_hostile_text_costs_time_in_proportion(piece: str) -> None:
    text = (piece * 200_000)[:200_000]
    redact_text(text, limit=len(text))
