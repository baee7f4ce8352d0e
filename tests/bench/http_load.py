"""A closed-loop HTTP/1.1 load of identical requests, as lean as Python gets."""

import asyncio
import json
import sys
import time
from typing import cast

import uvloop


class _Connection(asyncio.Protocol):
    """Sends, waits for the whole answer, sends again."""

    def __init__(self, request: bytes, deadline: float) -> None:
        self._request = request
        self._deadline = deadline
        self._expected = 0
        self._seen = b""
        self.latencies: list[float] = []
        self.failures = 0
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio.Transport
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._seen += data
        if not self._expected:
            head, separator, _ = self._seen.partition(b"\r\n\r\n")
            if not separator:
                return
            self.failures += b" 200 " not in head[:16]
            _, _, rest = head.lower().partition(b"content-length: ")
            self._expected = len(head) + 4 + int(rest.split(b"\r\n", 1)[0])
        if len(self._seen) < self._expected:
            return
        now = time.perf_counter()
        self.latencies.append(now - self._sent_at)
        self._seen, self._expected = b"", 0
        if now < self._deadline:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.failures += exc is not None
        if not self.closed.done():
            self.closed.set_result(None)


async def _load(port: int, request: bytes, seconds: float, connections: int) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    made = [
        (await loop.create_connection(lambda: _Connection(request, started + seconds), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(connection.closed for connection in made))
    latencies = sorted(latency for connection in made for latency in connection.latencies)
    return {
        "requests_per_second": len(latencies) / (time.perf_counter() - started),
        "p99_ms": latencies[int(len(latencies) * 0.99)] * 1000,
        "failures": sum(connection.failures for connection in made),
    }


def main() -> None:
    """Reads {port, request, seconds, connections} as JSON on standard input; prints the figures as JSON."""
    order = json.load(sys.stdin)
    figures = uvloop.run(
        _load(order["port"], order["request"].encode(), order["seconds"], order["connections"])
    )
    json.dump(figures, sys.stdout)


if __name__ == "__main__":
    main()
