"""The worker as it is deployed: killed in the middle of a delivery, or started with what tests may."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from support.consumer import Call, Consumer, plain
from support.webhooks import Manager


@asynccontextmanager
async def process(module: str, env: dict[str, str]) -> AsyncGenerator[Process]:
    surroundings = {"PATH": os.environ["PATH"]} | env
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, env=surroundings, stdout=PIPE, stderr=STDOUT
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def silence(_call: Call, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)
    writer.close()


async def test_a_worker_killed_in_the_middle_is_followed_by_another(
    manager: Manager, consumer: Consumer, api_environment: dict[str, str]
) -> None:
    consumer.answers = [silence, plain()]
    made = await manager.create(consumer.url)
    await manager.client.post(manager.at(made, "/test"))
    async with process("astero_api.worker", api_environment) as worker:
        await consumer.wait_for(1, seconds=60)
        worker.kill()
        assert await worker.wait() == -9
    (left,) = await manager.deliveries(made)
    assert (left["state"], left["attempts"]) == ("waiting", 1)
    # the half minute after which it is taken for dead
    manager.make_due()
    async with process("astero_api.worker", api_environment) as worker:
        await consumer.wait_for(2, seconds=60)
        async with asyncio.timeout(60):
            while (await manager.deliveries(made))[0]["state"] == "waiting":  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.05)
        worker.terminate()
        assert await worker.wait() == 0
    (done,) = await manager.deliveries(made)
    assert (done["state"], done["attempts"]) == ("delivered", 2)
    first, second = consumer.calls
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == done["messageId"]


@pytest.mark.parametrize("module", ["astero_api", "astero_api.worker"])
async def test_production_refuses_the_allowance_of_tests(
    module: str, api_environment: dict[str, str]
) -> None:
    async with process(module, api_environment | {"ASTERO_ENV": "production"}) as started:
        printed, _ = await started.communicate()
    assert started.returncode == 78
    assert b"ASTERO_SSRF_TEST_ALLOW" in printed
    assert b"127.0.0.1" not in printed
