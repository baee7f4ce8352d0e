"""The line between api and engine is for those two: the public side knows nothing of it."""

import httpx
import pytest
from support.house import House
from support.owner import Owner, problem_of

PATHS = (
    "/internal",
    "/internal/",
    "/internal/health",
    "/internal/bots",
    "//internal/bots",
    "/./internal/bots",
    "/api/../internal/bots",
    "/Internal/bots",
    "/INTERNAL/bots",
    "/internal%2Fbots",
    "/%69nternal/bots",
    "/internal/bots?x=1",
    "/internal;x/bots",
    "/api/internal/bots",
)


@pytest.mark.parametrize("path", PATHS)
def test_the_public_api_knows_no_internal_route(house: House, path: str) -> None:
    """As raw bytes: a client library would tidy the path first. The right secret changes nothing."""
    secret = house.stack.credentials.bot_engine_secret
    asker = Owner(house)
    url = httpx.URL(house.stack.api_url).copy_with(raw_path=path.encode())
    for method in ("GET", "POST"):
        answer = asker.http.request(method, url, headers={"Authorization": f"Bearer {secret}"})
        problem_of(house.note(answer), 404)
    asker.close()


def test_the_engine_answers_everybody_but_the_api_with_the_same_bytes(house: House) -> None:
    secret = house.stack.credentials.bot_engine_secret
    wrong = (
        None,
        "",
        "Bearer",
        "Bearer wrong",
        f"Bearer {secret[:-1]}",
        f"Bearer {secret}x",
        f"bearer{secret}",
        f"Basic {secret}",
        secret,
        f"Bearer {secret.swapcase()}",
    )
    requests = (
        ("GET", "/internal/health"),
        ("GET", "/internal/bots"),
        ("POST", "/internal/bots/not-even-an-id/reconcile"),
        ("DELETE", "/internal/health"),
        ("GET", "/nowhere"),
        ("GET", "/"),
    )
    answers: set[tuple[int, bytes]] = set()
    with httpx.Client(base_url=house.stack.engine_url, trust_env=False) as stranger:
        for header in wrong:
            for method, path in requests:
                headers = {} if header is None else {"Authorization": header}
                answer = stranger.request(method, path, headers=headers)
                answers.add((answer.status_code, answer.content))
        assert [status for status, _ in answers] == [401]
        right = stranger.get("/internal/health", headers={"Authorization": f"Bearer {secret}"})
        assert right.status_code == 200


def test_the_engine_listens_on_this_machine_only(house: House) -> None:
    """A bind to every address would answer on the machine's others, too."""
    port = httpx.URL(house.stack.engine_url).port
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.2:{port}/internal/health", trust_env=False)
