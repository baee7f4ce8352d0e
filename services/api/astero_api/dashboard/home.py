"""The first page: what this is, and the ways in. Who is signed in, its script asks the api."""

from typing import Any, Final

from litestar import Request, Response, get

from astero_api.dashboard.rendering import HTML, OPEN, answer_page, words_of
from astero_api.web.language import language_of

_WORDS: Final = (
    "title", "lead", "moderation_title", "moderation", "cases_title", "cases", "settings_title", "settings",
    "register", "security", "greeting", "description",
)  # fmt: skip


@get("/", opt=OPEN, media_type=HTML)
async def show_home(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The home page."""
    words = words_of("home", _WORDS, language_of(request.scope))
    has_discord = request.app.state.discord_oauth is not None
    return answer_page(request, "home.html.j2", script="home.js", words=words, has_discord=has_discord)
