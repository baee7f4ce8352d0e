"""The deployed api with four worker processes: their limits are one."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psutil
from support.api import ORIGIN, environment
from support.api_process import running_process
from support.stack import Database

from astero_sandbox.valkey import Valkey

RACING = 1000


def test_of_a_thousand_racing_requests_exactly_as_many_pass_as_may(
    database: Database, valkey: str, valkey_server: Valkey
) -> None:
    assert valkey
    env = environment(database_url=database.api, redis_url=valkey_server.url("api"))
    with running_process(env | {"API_WORKERS": "4", "TRUSTED_PROXIES": "127.0.0.1"}) as api:
        assert len(psutil.Process(api.pid).children()) >= 4
        # it passes the limit, 20 an hour for each address, and then fails for its body: no hash is made
        sent = (
            b"POST /api/auth/register HTTP/1.1\r\nHost: api\r\nConnection: close\r\n"
            b"CF-Connecting-IP: 192.0.2.77\r\nOrigin: " + ORIGIN.encode() + b"\r\n"
            b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        )
        with ThreadPoolExecutor(32) as threads:
            answers = Counter(
                status for status, _, _ in threads.map(lambda _: api.send(sent, seconds=60), range(RACING))
            )
    assert answers == {422: 20, 429: RACING - 20}
