"""SMTP_URL and its two companions: what is understood, and what is refused without being repeated."""

import pytest
from support.api import environment

from astero_api.mail.server import SmtpUrl
from astero_api.settings import ApiSettings
from astero_shared.observability import logs
from astero_shared.settings import ConfigurationError, load

ENV = environment(database_url="postgresql://a:b@127.0.0.1:1/x", redis_url="redis://127.0.0.1:1")
MAIL = {"SMTP_URL": "smtps://mail.example.org", "MAIL_FROM": "mail@example.org"}


@pytest.mark.parametrize(
    ("text", "encryption", "host", "port", "user"),
    [
        ("smtps://a:b@mail.example.org", "tls", "mail.example.org", 465, "a"),
        ("smtps://a:b@mail.example.org:2465", "tls", "mail.example.org", 2465, "a"),
        ("smtp+starttls://a%40b.cc:b@mail.example.org", "starttls", "mail.example.org", 587, "a@b.cc"),
        ("smtps://mail.example.org/", "tls", "mail.example.org", 465, None),
        ("smtp://127.0.0.1:1025", "none", "127.0.0.1", 1025, None),
        ("smtp://a:b@[::1]:1025", "none", "::1", 1025, "a"),
        ("smtp://localhost", "none", "localhost", 25, None),
    ],
)
def test_a_url_says_where_and_how(text: str, encryption: str, host: str, port: int, user: str | None) -> None:
    server = SmtpUrl.parse(text).server
    assert (server.encryption, server.host, server.port, server.user) == (encryption, host, port, user)


def test_a_password_is_taken_as_it_was_before_it_was_encoded() -> None:
    password = SmtpUrl.parse("smtps://a:p%2Fw%20%40%3A@mail.example.org").server.password
    assert password is not None
    assert password.reveal() == "p/w @:"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "smtp://sesame:sesame@mail.example.org",
            "smtp://10.0.0.1",
            "smtp://0.0.0.0",
            "smtp://127.0.0.1.evil.cc",
        ),
        *("http://sesame:sesame@mail.example.org", "smtps://", "mail.example.org", "smtps://sesame@x.org"),
        *("smtps://x.org:port", "smtps://x.org:70000", "smtps://x.org/sesame", "smtps://x.org?verify=no"),
        *("smtps://x.org#sesame", "smtps://a b.org"),
    ],
)
def test_what_is_none_ends_the_start_without_being_repeated(text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(ApiSettings, ENV | MAIL | {"SMTP_URL": text})
    assert refused.value.variable == "SMTP_URL"
    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "variable"),
    [
        ({"MAIL_FROM": ""}, "MAIL_FROM"),
        ({"SMTP_URL": ""}, "SMTP_URL"),
        ({"MAIL_FROM": "nobody"}, "MAIL_FROM"),
        ({"SMTP_CA_FILE": "/nowhere"}, "SMTP_CA_FILE"),
        ({"SMTP_CA_FILE": __file__}, "SMTP_CA_FILE"),
        ({"SMTP_URL": "", "MAIL_FROM": "", "ASTERO_ENV": "production"}, "SMTP_URL"),
        ({"DISCORD_CLIENT_ID": "42"}, "DISCORD_CLIENT_SECRET"),
        ({"DISCORD_CLIENT_SECRET": "sesame"}, "DISCORD_CLIENT_ID"),
    ],
)
def test_half_a_configuration_is_none(changes: dict[str, str], variable: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(ApiSettings, ENV | MAIL | changes)
    assert refused.value.variable == variable


@pytest.mark.parametrize("name", ["development", "test"])
def test_outside_production_mail_may_be_missing(name: str) -> None:
    assert load(ApiSettings, ENV | {"ASTERO_ENV": name}).smtp_url is None


def test_its_password_shows_nowhere() -> None:
    settings = load(ApiSettings, ENV | MAIL | {"SMTP_URL": "smtps://a:sesame-open-up@x.org"})
    assert settings.smtp_url is not None
    assert any(secret is settings.smtp_url for secret in logs.secrets_of(settings))
    assert "sesame" not in repr(settings) + repr(settings.smtp_url.server)
