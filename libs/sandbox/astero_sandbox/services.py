"""The processes of Astero with their environment: exactly what an operator would set in production."""

import sys
from dataclasses import dataclass
from typing import Self

from astero_sandbox import postgres, valkey
from astero_sandbox.credentials import Credentials
from astero_sandbox.mail.certificate import authority_of, ensure_certificate
from astero_sandbox.mail.smtp import USER
from astero_sandbox.plan import Plan
from astero_sandbox.ports import LOOPBACK
from astero_sandbox.programs import Program, Stage
from astero_sandbox.roles import DatabaseUrls
from astero_sandbox.sentry.app import dsn

API = "api"
WORKER = "worker"
ENGINE = "engine"
DISCORD = "discord"
MAIL = "mail"
SENTRY = "sentry"
WEBHOOKS = "webhooks"
DATABASE = "astero"


def url(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"


def public_url(plan: Plan) -> str:
    """The dashboard's origin, by name: a browser makes no passkey for an address (WebAuthn, RP ID)."""
    return f"http://localhost:{plan.ports.api}"


@dataclass(frozen=True, kw_only=True)
class Connections:
    """Where the services find everything. A Redis that we were given has one URL for all."""

    database: DatabaseUrls
    redis_operator: str
    redis_api: str
    discord_api: str

    @classmethod
    def of(cls, plan: Plan, credentials: Credentials) -> Self:
        def redis(user: str) -> str:
            own = valkey.url(plan.ports.redis, user, credentials.valkey[user])
            return plan.redis_url or own

        admin = plan.database_url or postgres.url(
            plan.ports.postgres, credentials.postgres, database=DATABASE
        )
        return cls(
            database=DatabaseUrls.of(admin, credentials.roles),
            redis_operator=redis(valkey.ADMIN),
            redis_api=redis("api"),
            discord_api=plan.discord_api_url or f"{url(plan.ports.discord)}/api/v10",
        )


def sandbox_discord(plan: Plan) -> Program:
    return Program(
        name=DISCORD,
        stage=Stage.THIRD_PARTY,
        command=(
            *(sys.executable, "-m", "astero_sandbox.discord", "--host", LOOPBACK),
            *("--port", str(plan.ports.discord), "--state", str(plan.home / "discord.json")),
            *plan.discord_options,
        ),
        environment={**plan.inherited, **_UNBUFFERED},
        directory=plan.home,
        stop_seconds=3,
    )


def sandbox_mail(plan: Plan, credentials: Credentials) -> Program:
    certificate = ensure_certificate(plan.home / MAIL)
    return Program(
        name=MAIL,
        stage=Stage.THIRD_PARTY,
        command=(
            *(sys.executable, "-m", "astero_sandbox.mail", "--host", LOOPBACK),
            *("--port", str(plan.ports.mail), "--smtp-port", str(plan.ports.smtp)),
            *("--certificate", str(certificate)),
        ),
        environment={
            **plan.inherited,
            **_UNBUFFERED,
            "ASTERO_SANDBOX_MAIL_PASSWORD": credentials.mail_password,
        },
        directory=plan.home,
        stop_seconds=3,
    )


def sandbox_sentry(plan: Plan) -> Program:
    return Program(
        name=SENTRY,
        stage=Stage.THIRD_PARTY,
        command=(
            *(sys.executable, "-m", "astero_sandbox.sentry", "--host", LOOPBACK),
            *("--port", str(plan.ports.sentry)),
        ),
        environment={**plan.inherited, **_UNBUFFERED},
        directory=plan.home,
        stop_seconds=3,
    )


def sandbox_webhooks(plan: Plan) -> Program:
    """A consumer on this machine, so that what webhooks send can be seen."""
    certificate = ensure_certificate(plan.home / WEBHOOKS)
    return Program(
        name=WEBHOOKS,
        stage=Stage.THIRD_PARTY,
        command=(
            *(sys.executable, "-m", "astero_sandbox.webhooks", "--host", LOOPBACK),
            *("--port", str(plan.ports.webhooks), "--tls-port", str(plan.ports.webhooks_tls)),
            *("--certificate", str(certificate)),
        ),
        environment={**plan.inherited, **_UNBUFFERED},
        directory=plan.home,
        stop_seconds=3,
    )


def api(plan: Plan, credentials: Credentials, connections: Connections) -> Program:
    return _service(
        plan,
        name=API,
        module="astero_api",
        environment={
            **_of_api(plan, credentials, connections),
            "API_HOST": LOOPBACK,
            "API_PORT": str(plan.ports.api),
        },
    )


def worker(plan: Plan, credentials: Credentials, connections: Connections) -> Program:
    return _service(
        plan,
        name=WORKER,
        module="astero_api.worker",
        environment=_of_api(plan, credentials, connections),
    )


def engine(
    plan: Plan, credentials: Credentials, connections: Connections, *, name: str, port: int
) -> Program:
    bot_token = plan.discord_bot_token
    if plan.has_sandbox_discord and credentials.world is not None:
        bot_token = credentials.world.shared.bot_token
    token = {} if bot_token is None else {"DISCORD_BOT_TOKEN": bot_token}
    return _service(
        plan,
        name=name,
        module="astero_bot_engine",
        environment={
            "DATABASE_URL": connections.database.bot_engine,
            "ENCRYPTION_KEY": credentials.encryption_key,
            "BOT_ENGINE_SECRET": credentials.bot_engine_secret,
            "DISCORD_API_URL": connections.discord_api,
            "ENGINE_BIND": f"{LOOPBACK}:{port}",
            "ENGINE_URL": url(port),
            **token,
        },
    )


# A line must be on the screen when it is written, not when 8 KB of them have come together.
_UNBUFFERED = {"PYTHONUNBUFFERED": "1"}


def _of_api(plan: Plan, credentials: Credentials, connections: Connections) -> dict[str, str]:
    sign_in: dict[str, str] = {}
    if plan.has_sandbox_discord and credentials.world is not None:
        shared = credentials.world.shared
        sign_in["DISCORD_CLIENT_ID"] = shared.application_id
        sign_in["DISCORD_CLIENT_SECRET"] = shared.client_secret
    return {
        **sign_in,
        **_mail(plan, credentials),
        "ASTERO_ENV": "development",
        "ASTERO_SSRF_TEST_ALLOW": f"{LOOPBACK}:{plan.ports.webhooks_tls}",
        "DATABASE_URL": connections.database.api,
        "REDIS_URL": connections.redis_api,
        "ENCRYPTION_KEY": credentials.encryption_key,
        "JWT_SECRET": credentials.jwt_secret,
        "PASSWORD_PEPPER": credentials.password_pepper,
        "BOT_ENGINE_SECRET": credentials.bot_engine_secret,
        "PUBLIC_URL": public_url(plan),
        "DISCORD_API_URL": connections.discord_api,
    }


def _mail(plan: Plan, credentials: Credentials) -> dict[str, str]:
    if not plan.has_sandbox_mail:
        return {}
    return {
        "SMTP_URL": f"smtps://{USER}:{credentials.mail_password}@{LOOPBACK}:{plan.ports.smtp}",
        "SMTP_CA_FILE": str(authority_of(plan.home / MAIL)),
        "MAIL_FROM": "Astero <mail@astero.test>",
    }


def _service(plan: Plan, *, name: str, module: str, environment: dict[str, str]) -> Program:
    return Program(
        name=name,
        stage=Stage.SERVICE,
        command=plan.commands.get(name, (sys.executable, "-m", module)),
        environment={
            **plan.inherited,
            **_UNBUFFERED,
            "SENTRY_DSN": plan.sentry_dsn or dsn(url(plan.ports.sentry)),
            **environment,
            **plan.overrides.get(name, {}),
        },
        directory=plan.home,
        stop_seconds=6,
    )
