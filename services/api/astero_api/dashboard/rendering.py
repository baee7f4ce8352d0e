"""How a page leaves: a template of ours in the reader's language, with a nonce for its scripts alone."""

import base64
import hashlib
import secrets
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Request, Response

from astero_api.web.context import context_of
from astero_api.web.language import language_of
from astero_api.web.limits import READ
from astero_api.web.policy import AuditClass, Permission, policy
from astero_shared.i18n import Locale, text

HTML: Final = "text/html"
CSS: Final = "text/css"
SCRIPT: Final = "text/javascript"
_EVERYWHERE: Final = (
    "no_script", "failed", "wait", "no_passkey", "known_passkey", "email", "password", "new_password",
    "password_hint", "show_password", "sign_in", "sign_in_passkey", "sign_in_discord", "sign_out", "or",
)  # fmt: skip
OPEN: Final = policy(permission=Permission.PUBLIC, limit=READ, audit=AuditClass.NONE)


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("astero_api", "dashboard/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals["integrity"] = _integrity
    return templates


@cache
def _integrity(name: str) -> str:
    """Subresource integrity: a browser runs this file of `static/` only as it was when the page was made."""
    return f"sha384-{base64.b64encode(hashlib.sha384(asset(name)).digest()).decode()}"


@cache
def asset(name: str) -> bytes:
    """A file of `static/`."""
    return files("astero_api.dashboard").joinpath("static", name).read_bytes()


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
    html = _templates().get_template(template).render(locale=locale, nonce=nonce, **shown)
    return Response(html.encode(), media_type=HTML, headers={"content-language": locale})
