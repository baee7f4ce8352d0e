"""An application with a route that says nothing about itself does not start."""

from typing import Any

import pytest
from litestar import Litestar, get, post
from litestar.di import NamedDependency
from litestar.exceptions import ImproperlyConfiguredException

from astero_api.web.identity import Identity
from astero_api.web.json_body import BodyRule
from astero_api.web.limits import READ
from astero_api.web.policy import AuditClass, Permission, policy, refuse_undeclared_routes
from astero_shared.scope import BotScope


def opt(permission: Permission, audit: AuditClass = AuditClass.NONE) -> dict[str, Any]:
    return policy(permission=permission, limit=READ, audit=audit)


def build(handler: Any) -> Litestar:
    return Litestar(
        [handler],
        dependencies={"identity": who, "bot": which},
        openapi_config=None,
        logging_config=None,
    )


async def who() -> Identity:
    raise AssertionError("never called")


async def which() -> BotScope:
    raise AssertionError("never called")


def test_a_route_without_a_policy_is_named() -> None:
    @get("/silent")
    async def silent() -> None: ...

    with pytest.raises(ImproperlyConfiguredException, match=r"GET /silent declares no policy"):
        refuse_undeclared_routes(build(silent))


def test_a_route_for_the_signed_in_takes_the_proof() -> None:
    @get("/mine", opt=opt(Permission.SIGNED_IN))
    async def mine() -> None: ...

    with pytest.raises(ImproperlyConfiguredException, match="takes no Identity"):
        refuse_undeclared_routes(build(mine))


def test_a_change_leaves_an_audit_row() -> None:
    @post("/change", opt=opt(Permission.SIGNED_IN))
    async def change(identity: NamedDependency[Identity]) -> None: ...

    with pytest.raises(ImproperlyConfiguredException, match="no audit row"):
        refuse_undeclared_routes(build(change))


def test_what_happens_to_a_bot_is_audited_for_its_managers_and_not_as_an_accounts_own() -> None:
    @post("/bots/{bot_id:uuid}/start", opt=opt(Permission.BOT_OWNER, AuditClass.SECURITY))
    async def start(bot: NamedDependency[BotScope]) -> None: ...

    with pytest.raises(ImproperlyConfiguredException, match="would be an account's own"):
        refuse_undeclared_routes(build(start))


def test_nobody_changes_a_bot_unknown() -> None:
    @post("/change", opt=opt(Permission.PUBLIC, AuditClass.CHANGE))
    async def change() -> None: ...

    with pytest.raises(ImproperlyConfiguredException, match="not signed in"):
        refuse_undeclared_routes(build(change))


def test_internal_is_not_a_place_for_routes() -> None:
    @get("/Internal/x", opt=opt(Permission.PUBLIC))
    async def hidden() -> None: ...

    with pytest.raises(ImproperlyConfiguredException, match="never serves"):
        refuse_undeclared_routes(build(hidden))


def test_a_declared_route_starts() -> None:
    @get("/mine", opt=opt(Permission.SIGNED_IN))
    async def mine(identity: NamedDependency[Identity]) -> None: ...

    refuse_undeclared_routes(build(mine))


def test_a_recent_proof_is_asked_of_somebody_who_is_signed_in() -> None:
    for permission in (Permission.PUBLIC, Permission.SECOND_STEP):

        @post("/open", opt=policy(permission=permission, limit=READ, audit=AuditClass.SECURITY, fresh=True))
        async def change() -> None: ...

        with pytest.raises(ImproperlyConfiguredException, match="not signed in"):
            refuse_undeclared_routes(build(change))


@pytest.mark.parametrize(
    ("permission", "audit"),
    [(Permission.PUBLIC, AuditClass.SECURITY), (Permission.SIGNED_IN, AuditClass.SECURITY)],
)
def test_what_browsers_send_by_themselves_changes_nothing(permission: Permission, audit: AuditClass) -> None:
    beacon = BodyRule(("application/csp-report",))

    @post("/sent", opt=policy(permission=permission, limit=READ, audit=audit, body=beacon))
    async def change(identity: NamedDependency[Identity]) -> None: ...

    with pytest.raises(ImproperlyConfiguredException, match="browsers send by themselves"):
        refuse_undeclared_routes(build(change))


def test_the_second_step_takes_its_proof() -> None:
    @post("/step", opt=opt(Permission.SECOND_STEP, AuditClass.SECURITY))
    async def finish() -> None: ...

    with pytest.raises(ImproperlyConfiguredException, match="takes no SecondStep"):
        refuse_undeclared_routes(build(finish))
