"""The api as it is deployed: `python -m astero_api`, a process of its own, spoken to in bytes."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

from astero_sandbox.ports import free_port

READY_SECONDS = 60.0
_CHEAP_API = str(Path(__file__).with_name("wide_api.py"))


class ApiProcess:
    """One running web process."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self._process = process

    @property
    def pid(self) -> int:
        """Of the process that starts the workers."""
        return self._process.pid

    def send(self, *parts: bytes, seconds: float = 60) -> tuple[int, dict[str, list[str]], bytes]:
        """Status, headers (lower case) and body of the one answer to these bytes. Reads until the end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            for part in parts:
                try:
                    connection.sendall(part)
                except (BrokenPipeError, ConnectionResetError):
                    # it answered before it had read everything, as it should
                    break
            received = b""
            while True:
                try:
                    piece = connection.recv(65536)
                except ConnectionResetError:
                    break
                if not piece:
                    break
                received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers: dict[str, list[str]] = {}
        for line in lines:
            name, _, value = line.partition(": ")
            headers.setdefault(name.lower(), []).append(value)
        return int(first.split()[1]), headers, body

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60)


@contextmanager
def running_process(
    env: dict[str, str], *, program: tuple[str, ...] = ("-m", "astero_api"), output: Path | None = None
) -> Generator[ApiProcess]:
    """Until it answers; ended with the block. What it prints goes to `output`, else where the test's goes.

    It listens on a free port, unless `env` says which.
    """
    port = int(env.get("API_PORT") or free_port())
    surroundings = {"PATH": os.environ["PATH"], **env, "API_PORT": str(port)}
    with (
        nullcontext() if output is None else output.open("ab") as printed,
        subprocess.Popen(  # noqa: S603 - our own modules
            [sys.executable, *program], env=surroundings, stdout=printed, stderr=printed
        ) as process,
    ):
        api = ApiProcess(port, process)
        try:
            _wait(api, process)
            yield api
        finally:
            # not killed: its workers would outlive it
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    process.kill()


def _wait(api: ApiProcess, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            api.send(b"GET /api/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        except (ConnectionError, IndexError):
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the api did not start (exit code {process.poll()})")


class KeptProcess:
    """One process with cheap hashes for all tests of a file, for as long as their database stays the same."""

    def __init__(self, *, host: str) -> None:
        """`host` is what a browser calls it."""
        self._host = host
        self._environment: dict[str, str] = {}
        self.running = ExitStack()

    def environment(self, wanted: dict[str, str]) -> dict[str, str]:
        """That of the process, `wanted` when it was started; PUBLIC_URL says where it listens."""
        if self._environment.get("DATABASE_URL") != wanted["DATABASE_URL"]:
            self.running.close()
            port = str(free_port())
            where = {"API_PORT": port, "PUBLIC_URL": f"http://{self._host}:{port}"}
            self._environment = wanted | where
            started = running_process(self._environment | {"LIMIT_FACTOR": "1"}, program=(_CHEAP_API,))
            self.running.enter_context(started)
        return self._environment


@contextmanager
def kept_process(*, host: str) -> Generator[KeptProcess]:
    kept = KeptProcess(host=host)
    with kept.running:
        yield kept
