"""More people sign in at once than can be checked: the surplus is told so, and everything else goes on."""

import asyncio
import os
import threading
from contextlib import AsyncExitStack

import bcrypt
import httpx
import pytest
from support.api import browser

from astero_api.features.accounts import passwords
from astero_api.web.edge import Edge


async def test_the_seventeenth_waiting_is_told_to_come_back(
    api: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = threading.Event()

    def slow(_password: bytes, _hashed: bytes) -> bool:
        finished.wait(60)
        return False

    async def log_in(client: httpx.AsyncClient, number: int) -> httpx.Response:
        body = {"email": f"nobody-{number}@example.org", "password": "wrong and long"}
        return await client.post("/api/auth/login", json=body)

    monkeypatch.setattr(bcrypt, "checkpw", slow)
    monkeypatch.setattr(passwords, "_WAIT_SECONDS", 60.0)  # who waits is told nothing meanwhile
    room = max(1, (os.cpu_count() or 1) - 1) + 16
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(browser(api, address=f"203.0.113.{number}"))
            for number in range(1, room + 2)
        ]
        asked = [asyncio.create_task(log_in(client, number)) for number, client in enumerate(clients)]
        try:
            done, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            (refused,) = (task.result() for task in done)
            assert (refused.status_code, refused.json()["code"]) == (503, "auth.busy")
            assert refused.headers["retry-after"] == "5"
            assert len(waiting) == room
            assert (await clients[0].get("/api/health/live")).status_code == 200
        finally:
            finished.set()
            await asyncio.gather(*asked)
