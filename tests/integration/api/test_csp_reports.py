"""Where browsers report what our pages were not allowed: small, few, from our own pages, one line each."""

import json

import httpx
from support.log_capture import captured_log

PATH = "/api/reports/csp"
NEW, OLD = "application/reports+json", "application/csp-report"
REPORTS = {
    NEW: [{"type": "csp-violation", "body": {"effectiveDirective": "img-src", "blockedURL": "inline"}}],
    OLD: {"csp-report": {"effective-directive": "img-src", "blocked-uri": "inline"}},
}


async def test_a_report_is_a_line_of_the_log(client: httpx.AsyncClient) -> None:
    for media_type in (NEW, OLD, f"{NEW}; charset=utf-8", OLD.title()):
        content = json.dumps(REPORTS[media_type.partition(";")[0].lower()])
        with captured_log() as log:
            answer = await client.post(PATH, content=content, headers={"Content-Type": media_type})
        assert (answer.status_code, answer.content) == (204, b"")
        (line,) = log.lines
        assert (line["msg"], line["directive"], line["blocked"]) == ("csp.violation", "img-src", "inline")
        assert "event" not in line


async def test_what_is_no_report_of_ours_is_refused_as_everywhere(client: httpx.AsyncClient) -> None:
    for media_type in ("application/json", "text/plain", "application/csp-reports", f"{NEW}; charset=x"):
        answer = await client.post(PATH, content="[]", headers={"Content-Type": media_type})
        assert answer.status_code == 415, media_type
    for elsewhere in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await client.post(PATH, content="[]", headers={"Content-Type": NEW, **elsewhere})
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.cross_site")
    for content, status in (("[", 400), ('[{"a":1,"a":2}]', 400), ("7", 422), (f'["{"x" * 8192}"]', 413)):
        answer = await client.post(PATH, content=content, headers={"Content-Type": NEW})
        assert answer.status_code == status
    # what other routes take is what it was
    for media_type in (NEW, OLD):
        answer = await client.post("/api/auth/login", content="{}", headers={"Content-Type": media_type})
        assert answer.status_code == 415
    statuses = [
        (await client.post(PATH, content="7", headers={"Content-Type": OLD})).status_code for _ in range(20)
    ]
    assert 429 in statuses
