"""The api, put together: settings in, one ASGI application out."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache
from importlib.metadata import version

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide

from astero_api.dashboard import home, pages, security_pages
from astero_api.dashboard.static_files import STATIC_ROUTES
from astero_api.features.accounts import routes as accounts
from astero_api.features.accounts.passwords import COST, PasswordHashes
from astero_api.features.audit import routes as audit
from astero_api.features.bots import routes as bots
from astero_api.features.bots.discord_check import DiscordCheck
from astero_api.features.bots.service import Hosting
from astero_api.features.cases import routes as cases
from astero_api.features.discord_accounts import routes as discord_accounts
from astero_api.features.discord_accounts.managed_servers import ManagedServers
from astero_api.features.discord_accounts.oauth import connect_oauth
from astero_api.features.health import routes as health
from astero_api.features.installations import routes as installations
from astero_api.features.mfa import routes as mfa
from astero_api.features.mfa.recovery import RecoveryHashes
from astero_api.features.mfa.service import SecondFactors
from astero_api.features.modules import routes as modules
from astero_api.features.passkeys import routes as passkeys
from astero_api.features.passkeys.ceremony import RelyingParty
from astero_api.features.reference import routes as reference
from astero_api.features.reports import routes as reports
from astero_api.features.sessions import routes as sessions
from astero_api.features.sessions.attempts import LoginAttempts
from astero_api.features.webhooks import routes as webhooks
from astero_api.mail.outbox import seal_with
from astero_api.nudges import Nudges
from astero_api.settings import ApiSettings
from astero_api.web.access import provide_bot, provide_guild, provide_identity, provide_second_step
from astero_api.web.access_token import AccessTokens
from astero_api.web.edge import Edge
from astero_api.web.gate import Gate
from astero_api.web.json_body import MAX_BODY_BYTES
from astero_api.web.limits import Tier, Tiers
from astero_api.web.openapi import describe
from astero_api.web.policy import refuse_undeclared_routes
from astero_api.web.problems import answer_problem
from astero_api.web.rate_limit import RateLimiter, connect
from astero_api.web.reader import Reader
from astero_api.web.request import ApiRequest
from astero_api.web.second_step import SecondStepTokens
from astero_api.web.unit_of_work import AfterCommit, provide_unit_of_work
from astero_shared.db.engine import create_engine
from astero_shared.ids import Snowflake, decode_hook, encode_hook
from astero_shared.observability.sentry import reporting

ROUTES = (
    health.live,
    health.ready,
    reference.get_openapi,
    accounts.register,
    accounts.me,
    home.show_home,
    *STATIC_ROUTES,
    pages.show_verification,
    pages.show_reset,
    pages.show_address,
    pages.show_registration,
    pages.show_forgotten,
    security_pages.show_sign_in,
    security_pages.show_security,
    security_pages.show_second_step,
    accounts.patch_me,
    accounts.verify_email,
    accounts.resend_verification,
    accounts.confirm_address,
    accounts.forgot_password,
    accounts.reset_forgotten_password,
    accounts.change_own_password,
    sessions.login,
    sessions.refresh,
    sessions.logout,
    sessions.logout_all,
    sessions.reauthenticate,
    mfa.get_mfa,
    mfa.enroll_mfa,
    mfa.confirm_mfa,
    mfa.verify_mfa,
    mfa.disable_mfa,
    mfa.make_new_recovery_codes,
    passkeys.list_own_passkeys,
    passkeys.begin_passkey,
    passkeys.add_passkey,
    passkeys.rename_own_passkey,
    passkeys.remove_own_passkey,
    passkeys.begin_passkey_sign_in,
    passkeys.sign_in_with_passkey,
    passkeys.begin_passkey_second_step,
    passkeys.begin_passkey_reauthentication,
    sessions.list_sessions,
    sessions.delete_session,
    bots.list_bots,
    bots.host_bot,
    bots.get_hosted_bot,
    bots.patch_bot,
    bots.delete_bot,
    bots.put_bot_token,
    bots.start_bot,
    bots.stop_bot,
    bots.get_bot_status,
    installations.list_guilds,
    installations.get_guild,
    installations.remove_guild,
    installations.restore_removed_guild,
    modules.list_modules,
    modules.list_settings,
    modules.get_settings,
    modules.patch_settings,
    modules.list_module_revisions,
    modules.restore_revision,
    cases.list_guild_cases,
    cases.open_guild_case,
    cases.get_guild_case,
    cases.patch_guild_case,
    audit.list_guild_audit,
    webhooks.list_guild_webhooks,
    webhooks.create_guild_webhook,
    webhooks.get_guild_webhook,
    webhooks.patch_guild_webhook,
    webhooks.delete_guild_webhook,
    webhooks.rotate_webhook_secret,
    webhooks.test_guild_webhook,
    webhooks.list_webhook_deliveries,
    webhooks.replay_webhook_delivery,
    audit.list_own_audit,
    discord_accounts.start_discord_sign_in,
    discord_accounts.finish_discord_sign_in,
    discord_accounts.disconnect_discord,
    reports.take_csp_reports,
)


def _tiers(settings: ApiSettings) -> Tiers:
    return Tiers(
        everyone=Tier("global", settings.rate_limit_global_per_minute, 60), shadow=settings.rate_limit_shadow
    )


def create_app(settings: ApiSettings, *, tiers: Tiers | None = None, bcrypt_cost: int = COST) -> Edge:
    """Raises ImproperlyConfiguredException when a route declares no policy, ValueError for a weak hash."""
    if bcrypt_cost < COST and settings.astero_env != "test":
        raise ValueError(f"passwords are hashed with bcrypt cost {COST}")
    database = create_engine(settings.database_url, application="astero_api")
    seal_with(database, settings.encryption_key)
    reader = Reader(settings.database_url, application="astero_api_reader", size=12)
    redis = connect(settings.redis_url.reveal())
    limiter = RateLimiter(redis, tiers=tiers or _tiers(settings), workers=settings.api_workers)
    tokens = AccessTokens(settings.jwt_secret)
    second_factors = SecondFactors(
        settings.encryption_key,
        RecoveryHashes(settings.password_pepper),
        SecondStepTokens(settings.jwt_secret),
        RelyingParty.of(settings.public_url),
    )
    hashes = PasswordHashes(settings.password_pepper, cost=bcrypt_cost)
    after_commit = AfterCommit()
    nudges = Nudges(database, settings.bot_engine_secret)
    discord_check = DiscordCheck(settings.discord_api_url)
    hosting = Hosting(settings.encryption_key, discord_check, nudges)
    discord_oauth = connect_oauth(settings)
    managed_servers = (
        None if discord_oauth is None else ManagedServers(database, settings.encryption_key, discord_oauth)
    )

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncGenerator[None]:
        async with reader.running(), reporting(settings.sentry_dsn, service="api"):
            yield
            await after_commit.drain()
        if discord_oauth is not None:
            await discord_oauth.http.aclose()
        hashes.close()
        await nudges.close()
        await discord_check.close()
        await redis.aclose()
        await database.dispose()

    app = Litestar(
        route_handlers=list(ROUTES),
        lifespan=[lifespan],
        state=State(
            {
                "settings": settings,
                "database": database,
                "redis": redis,
                "reader": reader,
                "tokens": tokens,
                "hashes": hashes,
                "login_attempts": LoginAttempts(redis, settings.jwt_secret),
                "second_factors": second_factors,
                "relying_party": second_factors.party,
                "nudges": nudges,
                "hosting": hosting,
                "after_commit": after_commit,
                "discord_oauth": discord_oauth,
                "managed_servers": managed_servers,
            }
        ),
        dependencies={
            "unit": Provide(provide_unit_of_work),
            "identity": Provide(provide_identity, sync_to_thread=False),
            "step": Provide(provide_second_step, sync_to_thread=False),
            "bot": Provide(provide_bot, sync_to_thread=False),
            "guild": Provide(provide_guild, sync_to_thread=False),
        },
        middleware=[
            Gate(
                limiter=limiter,
                tokens=tokens,
                second_steps=second_factors.steps,
                reader=reader,
                managers=managed_servers,
                origin=settings.public_url,
            )
        ],
        exception_handlers={Exception: answer_problem},
        request_class=ApiRequest,
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=None,
        logging_config=None,
        type_encoders={Snowflake: encode_hook},
        type_decoders=[(lambda kind: kind is Snowflake, decode_hook)],
    )
    refuse_undeclared_routes(app)
    # drawn when first asked for: it takes some milliseconds that a start should not cost
    app.state.reference = cache(lambda: describe(app, version=version("astero-api")))
    return Edge(app, limiter=limiter, trusted=settings.trusted_proxies, hsts_preload=settings.hsts_preload)
