"""Bad configuration ends with exit code 78 and a line that names the variable, never the value."""

import base64
import os
from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from astero_shared.crypto.keyring import Keyring
from astero_shared.settings import (
    DISCORD_API,
    ConfigurationError,
    DatabaseUrl,
    DiscordApiUrl,
    RedisUrl,
    Secret,
    SecretRing,
    load,
    load_or_exit,
)

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER_KEY = base64.b64encode(bytes(range(1, 33))).decode()


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    astero_env: Literal["production", "test"] = "production"
    database_url: DatabaseUrl
    redis_url: RedisUrl
    encryption_key: Keyring
    bot_engine_secret: SecretRing
    api_port: Annotated[int, Meta(ge=1, le=65_535, description="a port")] = 8000
    discord_api_url: DiscordApiUrl = DISCORD_API
    optional_token: Secret | None = None


GOOD = {
    "DATABASE_URL": "postgresql://u:hunter2hunter2@h/d",
    "REDIS_URL": "rediss://u:hunter2hunter2@h/0",
    "ENCRYPTION_KEY": f"1:{KEY}",
    "BOT_ENGINE_SECRET": "s3cret-value-of-more-than-32-bytes-in-all",
}


def test_good_settings_load_and_print_no_secret() -> None:
    loaded = load(Sample, GOOD | {"API_PORT": "9000", "OPTIONAL_TOKEN": ""})
    assert (loaded.api_port, loaded.astero_env, loaded.optional_token) == (9000, "production", None)
    assert loaded.database_url.reveal() == GOOD["DATABASE_URL"]
    printed = f"{loaded!r} {loaded.database_url} {loaded.bot_engine_secret} {loaded.encryption_key}"
    assert "hunter2" not in printed
    assert "s3cret" not in printed
    assert KEY not in printed


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "hunter2"),
        ("DATABASE_URL", "postgresql://u:hunter2"),
        ("DATABASE_URL", "postgresql://u:pass#word@h/d"),
        ("DATABASE_URL", "mysql://u:hunter2@h/d"),
        ("DATABASE_URL", "postgresql:hunter2"),
        ("DATABASE_URL", "postgresql://u:hunter2%ZZ@h/d"),
        ("DATABASE_URL", "postgresql://h/d?hunter2=1"),
        ("REDIS_URL", "//hunter2@h"),
        ("REDIS_URL", "redis:hunter2"),
        ("REDIS_URL", "redis://:hunter2@h:99999"),
        ("ENCRYPTION_KEY", ""),
        ("ENCRYPTION_KEY", KEY),
        ("ENCRYPTION_KEY", "1:not base64!"),
        ("ENCRYPTION_KEY", "1:" + base64.b64encode(b"short").decode()),
        ("ENCRYPTION_KEY", "1:" + base64.b64encode(b"x" * 32).decode()),
        ("ENCRYPTION_KEY", f"0:{KEY}"),
        ("ENCRYPTION_KEY", f"4294967296:{KEY}"),
        ("ENCRYPTION_KEY", f"1:{KEY},1:{OTHER_KEY}"),
        ("ENCRYPTION_KEY", "\u0661:" + KEY),
        ("BOT_ENGINE_SECRET", "short-secret"),
        ("BOT_ENGINE_SECRET", "z" * 40),
        ("BOT_ENGINE_SECRET", ",".join("abc" * 12 + str(n) for n in range(3))),
        ("API_PORT", "eighty-hunter2"),
        ("API_PORT", "65536"),
        ("DISCORD_API_URL", "//hunter2.example/v10"),
        ("DISCORD_API_URL", "https://hunter2.example:port/v10"),
        ("DISCORD_API_URL", "https://hunter2\u2100.example/v10"),
        ("ASTERO_ENV", "staging-hunter2"),
    ],
)
def test_each_kind_of_wrong_names_the_variable_and_hides_the_value(
    variable: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        load_or_exit(Sample, GOOD | {variable: value})
    assert ended.value.code == 78
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert variable in line
    assert not value or value not in line
    assert "hunter2" not in line


def test_one_secret_may_not_serve_two_purposes() -> None:
    class Two(msgspec.Struct, frozen=True, kw_only=True):
        jwt_secret: SecretRing
        bot_engine_secret: SecretRing

    same = os.urandom(20).hex()
    with pytest.raises(ConfigurationError, match="BOT_ENGINE_SECRET: must differ from JWT_SECRET"):
        load(Two, {"JWT_SECRET": same, "BOT_ENGINE_SECRET": f"{os.urandom(20).hex()},{same}"})


def test_a_secret_refuses_to_be_compared() -> None:
    with pytest.raises(TypeError):
        _ = Secret("a") == "a"
