"""What is kept of a browser's report: which rule was broken where, and nothing that its sender chose."""

from typing import Any

import pytest

from astero_api.features.reports.rules import Violation, violations_in

PATHS = frozenset({"/account/reset", "/static/home.js"})
CANARY = "sk-canary-5f1e"
# where a report repeats what a page, its address or its scripts held
PAGE = f"https://astero.test/account/reset?token={CANARY}"


def body(**changes: Any) -> dict[str, Any]:
    return {
        "documentURL": PAGE,
        "referrer": PAGE,
        "blockedURL": f"https://ana:{CANARY}@evil.example:8443/{CANARY}?{CANARY}",
        "effectiveDirective": "img-src",
        "originalPolicy": CANARY,
        "sourceFile": "https://astero.test/static/home.js",
        "sample": CANARY,
        "disposition": "enforce",
        "statusCode": 200,
        "lineNumber": 7,
        "columnNumber": 13,
    } | changes


def reported(*bodies: object, kind: str = "csp-violation") -> list[dict[str, Any]]:
    return [{"type": kind, "age": 1, "url": PAGE, "user_agent": CANARY, "body": one} for one in bodies]


def old_form(found: dict[str, Any]) -> dict[str, Any]:
    names = {
        "documentURL": "document-uri",
        "blockedURL": "blocked-uri",
        "effectiveDirective": "violated-directive",
        "sourceFile": "source-file",
        "lineNumber": "line-number",
        "columnNumber": "column-number",
    }
    return {"csp-report": {names.get(name, name): value for name, value in found.items()}}


def found(report: object) -> list[Violation]:
    kept = list(violations_in(report, paths=PATHS))
    assert CANARY not in repr(kept)
    return kept


@pytest.mark.parametrize("report", [reported(body()), old_form(body())], ids=["new", "old"])
def test_a_violation_says_which_and_where(report: object) -> None:
    assert found(report) == [
        Violation(
            directive="img-src",
            blocked="evil.example:8443",
            page="/account/reset",
            source="/static/home.js",
            line=7,
            column=13,
        )
    ]


def test_what_a_sender_made_up_is_not_repeated() -> None:
    victim = '","event":"auth.login.failed","ip":"198.51.100.1"'
    kept = found(
        reported(
            body(effectiveDirective=CANARY, blockedURL=CANARY, documentURL=f"https://astero.test/{CANARY}"),
            body(effectiveDirective=victim, sourceFile=victim, blockedURL="http://[" + victim),
            body(effectiveDirective=1, blockedURL=None, lineNumber="7", columnNumber=True, documentURL=[0]),
            body(lineNumber=-1, columnNumber=10**30, blockedURL="chrome-extension://abcdef/x.js"),
            body(blockedURL="inline", sourceFile="eval"),
            {},
            CANARY,
            [CANARY],
            None,
        )
    )
    assert "198.51.100.1" not in repr(kept)
    assert [(one.directive, one.blocked, one.line, one.column) for one in kept] == [
        ("?", "?", 7, 13),
        ("?", "?", 7, 13),
        ("?", "?", None, None),
        ("img-src", "chrome-extension", None, None),
        ("img-src", "inline", 7, 13),
        ("?", "?", None, None),
    ]
    assert [one.page for one in kept[:3]] == ["astero.test", "/account/reset", "?"]


@pytest.mark.parametrize(
    "report",
    [None, 1, "x", [], {}, [{}], [1], {"csp-report": 1}, reported(body(), kind="deprecation"), [{"type": 1}]],
)
def test_what_is_no_report_of_a_violation_is_nothing(report: object) -> None:
    assert found(report) == []


def test_of_many_only_ten_are_kept() -> None:
    assert len(found(reported(*[body()] * 30))) == 10
