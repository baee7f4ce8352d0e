"""What of a browser's report is worth a line: which rule was broken where. Pure.

A report is written by whoever sends it, and a true one repeats addresses, with what stands in their queries,
and pieces of script. So nothing of it is kept but words we know, names of sites and addresses of our own.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

MOST_VIOLATIONS: Final = 10
"""Of one report; a page that breaks its policy in more places breaks it in these."""

_DIRECTIVE: Final = re.compile(r"[a-z]{1,20}(?:-[a-z]{1,20}){0,3}")
_HOST: Final = re.compile(r"[a-z0-9._:\[\]-]{1,100}")
# https://www.w3.org/TR/CSP3/#violation-resource, and the scheme alone of what has no host
_WORDS: Final = frozenset(
    {
        "inline", "eval", "wasm-eval", "trusted-types-policy", "trusted-types-sink", "self", "data", "blob",
        "filesystem", "about", "chrome-extension", "moz-extension", "safari-web-extension",
    }
)  # fmt: skip
_UNKNOWN: Final = "?"
_MOST_PLACE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Violation:
    """`page` and `source` are paths of ours, or the site of others."""

    directive: str
    blocked: str
    page: str
    source: str
    line: int | None
    column: int | None


def violations_in(report: object, *, paths: frozenset[str]) -> Iterator[Violation]:
    """Of a body in either of the two forms (Reporting API, CSP 2). `paths` are the addresses we serve."""
    for body in _bodies(report):
        directive = _first(body, "effectiveDirective", "effective-directive", "violated-directive")
        yield Violation(
            directive=directive if _DIRECTIVE.fullmatch(directive) else _UNKNOWN,
            blocked=_place(_first(body, "blockedURL", "blocked-uri"), frozenset()),
            page=_place(_first(body, "documentURL", "document-uri"), paths),
            source=_place(_first(body, "sourceFile", "source-file"), paths),
            line=_number(body, "lineNumber", "line-number"),
            column=_number(body, "columnNumber", "column-number"),
        )


def _bodies(report: object) -> Iterator[dict[str, Any]]:
    if isinstance(report, dict):
        found = [report.get("csp-report")]
    elif isinstance(report, list):
        found = [
            one.get("body") for one in report if isinstance(one, dict) and one.get("type") == "csp-violation"
        ]
    else:
        found = []
    yield from [body for body in found if isinstance(body, dict)][:MOST_VIOLATIONS]


def _first(body: dict[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := body.get(name), str)), "")


def _number(body: dict[str, Any], *names: str) -> int | None:
    found = (body.get(name) for name in names)
    return next((n for n in found if type(n) is int and 0 <= n <= _MOST_PLACE), None)


def _place(text: str, paths: frozenset[str]) -> str:
    if text in _WORDS:
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        return _UNKNOWN
    if parts.scheme in _WORDS:
        return parts.scheme
    if parts.path in paths:
        return parts.path
    host = parts.netloc.rpartition("@")[2].lower()
    return host if parts.scheme in {"http", "https", "ws", "wss"} and _HOST.fullmatch(host) else _UNKNOWN
