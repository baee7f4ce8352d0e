"""How a page leaves: a template of ours in the reader's language, with a nonce for its scripts alone."""

import secrets
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Request, Response

from astero_api.dashboard.static_files import STATIC, integrity_of
from astero_api.web.context import context_of
from astero_api.web.language import language_of
from astero_api.web.limits import READ
from astero_api.web.policy import AuditClass, Permission, policy
from astero_shared.i18n import Locale, text

HTML: Final = "text/html"
_EVERYWHERE: Final = (
    "no_script", "loading", "failed", "wait", "no_passkey", "known_passkey", "email", "password",
    "new_password", "password_hint", "show_password", "sign_in", "sign_in_passkey", "sign_in_discord",
    "sign_out", "or",
)  # fmt: skip
OPEN: Final = policy(permission=Permission.PUBLIC, limit=READ, audit=AuditClass.NONE)


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("astero_api", "dashboard/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def words_of(page: str, names: Iterable[str], locale: Locale) -> dict[str, str]:
    """The sentences of one page, and those that every page may need."""
    return {name: text(f"pages.{name}", locale) for name in _EVERYWHERE} | {
        name: text(f"pages.{page}.{name}", locale) for name in names
    }


def answer_page(request: Request[Any, Any, Any], template: str, **shown: Any) -> Response[bytes]:
    """`shown` is what the template names beyond `locale` and `nonce`: `words` and its `script` always."""
    locale = language_of(request.scope)
    context = context_of(request.scope)
    context.page_nonce = nonce = secrets.token_urlsafe(18)
    shown |= {"locale": locale, "nonce": nonce, "static": STATIC, "integrity": integrity_of}
    html = _templates().get_template(template).render(shown)
    return Response(html.encode(), media_type=HTML, headers={"content-language": locale})
