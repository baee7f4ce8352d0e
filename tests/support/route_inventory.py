"""docs/routes.md, drawn from the routes: `just routes` writes it, a test holds it to them."""

from collections.abc import Iterator

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from support.source import ROOT
from support.unstarted import unstarted_app

from astero_api.dashboard.static_files import STATIC
from astero_api.web.limits import RouteLimit
from astero_api.web.openapi import documented_path
from astero_api.web.policy import Permission, declared_routes, policy_of

INVENTORY = ROOT / "docs" / "routes.md"
_WHO = {
    Permission.PUBLIC: "anybody",
    Permission.SECOND_STEP: "who has given the first of two factors",
    Permission.SIGNED_IN: "who is signed in",
    Permission.BOT_VIEWER: "the bot's owner; for the shared bot, who is signed in",
    Permission.BOT_OWNER: "the bot's owner",
    Permission.GUILD_MANAGER: "the bot's owner; for the shared bot, who has Manage Server in Discord now",
}
_HEAD = """\
# Every route of the public API

Drawn from the routes by `just routes`; a test holds the two together. Each route also meets the limits
of the whole site, of its address and of its user (`services/api/astero_api/web/limits.py`). What changes
something is refused from other sites, whatever it is. "Fresh" asks for a proof of who one is of the last
five minutes. "Audit" is what a call that changes something leaves in the audit log: a row about the server or
bot for those who manage it (change), or about the account for its user (security). The next refresh token and
the challenge of a passkey are no change: they end by themselves, and what comes of them has its row.

| | route | for | fresh | limit | audit |
|---|---|---|---|---|---|
"""


def render(app: Litestar) -> str:
    """The whole document. `app` is not started."""
    rows = sorted(row for route, handler in declared_routes(app) for row in _rows(route, handler))
    return _HEAD + "".join(f"| {method} | `{path}` | {rest} |\n" for path, method, rest in rows)


def _rows(route: HTTPRoute, handler: HTTPRouteHandler) -> Iterator[tuple[str, str, str]]:
    declared = policy_of(handler)
    if declared is None:
        raise LookupError(f"{route.path} declares no policy")
    cells = (
        _WHO[declared.permission],
        "yes" if declared.fresh else "",
        _limit(declared.limit),
        "" if declared.audit.value == "none" else declared.audit.value,
    )
    for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
        yield documented_path(route).replace(STATIC, "/static/…"), method, " | ".join(cells)


def _limit(limit: RouteLimit) -> str:
    tiers = (limit.tier, *limit.more)
    return ", ".join(
        f"{tier.quota} per {_period(tier.seconds)}" + ("" if tier.whose == "caller" else f" and {tier.whose}")
        for tier in tiers
    )


def _period(seconds: int) -> str:
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds % size == 0:
            return name if seconds == size else f"{seconds // size} {name}"
    return f"{seconds} s"


if __name__ == "__main__":
    with unstarted_app() as app:
        INVENTORY.write_text(render(app))
