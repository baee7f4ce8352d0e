"""Which field names hide their value, and which an operator may go on reading."""

import pytest

from astero_shared.observability import sensitive_names
from astero_shared.observability.sensitive_names import TRACES, is_sensitive


@pytest.mark.parametrize(
    "name",
    [
        # the security page, word for word
        "password", "token", "authorization", "discordToken", "telegramToken",
        "secret", "client_secret", "secretary", "my-secret-count", "BOT_ENGINE_SECRET", "secret_version",
        # other spellings
        "PASSWORD", "pass_word", "Pass-Word", "discord_token", "DISCORD_BOT_TOKEN", "X-Auth-Token",
        "newPassword", "password_hash", "passwd", "passphrase",
        "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44",  # full width
        "Set-Cookie", "cookies", "__Host-astero_rt", "apiKey", "api_key", "x-api-key", "apikey",
        "aws_access_key_id", "ENCRYPTION_KEY", "private_key", "privateKey", "PRIVATE", "rsa-private",
        "credentials", "seed", "otp", "totp_code", "otpauth_url", "code_verifier", "codeVerifier",
        "session", "session_id", "sessionid", "sessionToken", "signature", "X-Signature-Ed25519",
        "recovery_codes", "webhook_url", "refresh_tokens", "proxy-authorization", "auth", "jwt", "dsn",
        "tokens", "card_number", "cvc",
    ],
)  # fmt: skip
def test_hides(name: str) -> None:
    assert is_sensitive(name)


@pytest.mark.parametrize(
    "name",
    [
        "tokens_used", "token_count", "max_tokens", "token_type", "token_version", "token_expires_at",
        "signature_algorithm", "session_start_limit", "session_count", "cookie_max_age",
        "footprint", "hotpath", "seeded", "option", "key", "module", "guild_id", "botId", "author",
        "private_channels", "code", "state", "name", "email_verified", "", "42", "keyboard", "pid",
    ],
)  # fmt: skip
def test_shows(name: str) -> None:
    assert not is_sensitive(name)


def test_every_sensitive_stem_leaves_a_trace_in_text() -> None:
    stems = (
        *sensitive_names._ALWAYS,
        *sensitive_names._USUALLY,
        *sensitive_names._WORDS,
        *sensitive_names._LAST,
    )
    assert [stem for stem in stems if not TRACES.search(stem)] == []


def test_a_long_name_is_judged_by_both_its_ends() -> None:
    assert is_sensitive("x" * 100_000 + "_password")
    assert is_sensitive("password_" + "x" * 100_000)
