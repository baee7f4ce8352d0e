"""What the engine's environment may say; a wrong value is refused by its name and never repeated."""

import base64

import pytest

from astero_bot_engine.settings import EngineSettings, PrivateAddress
from astero_shared.settings import ConfigurationError, load

ENVIRONMENT = {
    "DATABASE_URL": "postgresql://astero_bot_engine:hunter2@127.0.0.1/astero",
    "ENCRYPTION_KEY": "1:" + base64.b64encode(bytes(range(32))).decode(),
    "BOT_ENGINE_SECRET": "0123456789abcdef0123456789abcdef",
}


def test_what_is_left_out_has_a_safe_default() -> None:
    settings = load(EngineSettings, ENVIRONMENT)
    assert settings.url == "http://127.0.0.1:8081"
    assert settings.discord_api_url == "https://discord.com/api/v10"
    assert settings.discord_bot_token is None
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", ""),
        ("ENCRYPTION_KEY", ""),
        ("ENCRYPTION_KEY", "1:c2hvcnQtc2VjcmV0"),
        ("BOT_ENGINE_SECRET", ""),
        ("BOT_ENGINE_SECRET", "short"),
        ("ENGINE_BIND", "0.0.0.0:8081"),
        ("ENGINE_BIND", "[::]:8081"),
        ("ENGINE_BIND", "engine.internal:8081"),
        ("ENGINE_BIND", "127.0.0.1"),
        ("ENGINE_BIND", "127.0.0.1:0"),
        ("ENGINE_BIND", "127.0.0.1:99999"),
        ("ENGINE_BIND", "127.0.0.1:٨٠٨١"),
        ("ENGINE_BIND", "unix:relative.sock"),
        ("DISCORD_API_URL", "https://discord.example"),
        ("DISCORD_API_URL", "ftp://discord.example/api/v10"),
    ],
)
def test_a_wrong_value_is_refused_by_name(variable: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(EngineSettings, ENVIRONMENT | {variable: value})
    assert refused.value.variable == variable
    assert not value or value not in str(refused.value)


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("127.0.0.1:1234", "http://127.0.0.1:1234"),
        ("127.8.9.10:1", "http://127.8.9.10:1"),
        ("[::1]:8081", "http://[::1]:8081"),
        ("unix:/run/astero/engine.sock", "unix:/run/astero/engine.sock"),
    ],
)
def test_private_addresses(written: str, url: str) -> None:
    assert PrivateAddress.parse(written).url == url


def test_the_address_for_the_api_can_differ() -> None:
    settings = load(EngineSettings, ENVIRONMENT | {"ENGINE_URL": "http://engine.internal:9000"})
    assert settings.url == "http://engine.internal:9000"
