"""A consumer of webhooks: takes every POST over TLS with 204, and shows over plain HTTP what came.

GET  /                  a page
GET  /sandbox/messages  the same as JSON, oldest first: {path, headers, body}
POST /sandbox/faults    {status, times, retryAfter?}: the next `times` answers
"""

import html
import json
import threading
from collections import deque
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from string import Template
from typing import Any, ClassVar, Final

MAX_BYTES: Final = 64 * 1024
_KEPT: Final = 200
_PAGE: Final = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
_SHOWN: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass(frozen=True, slots=True)
class Message:
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Received:
    """What came to `url`, and how the next messages are answered; both servers' threads share it."""

    url: str
    messages: deque[Message] = field(default_factory=lambda: deque[Message](maxlen=_KEPT))
    status: int = HTTPStatus.NO_CONTENT
    times: int = 0
    retry_after: int | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, message: Message) -> tuple[int, int | None]:
        """The status to answer with, and its Retry-After."""
        with self.lock:
            self.messages.append(message)
            if self.times <= 0:
                return HTTPStatus.NO_CONTENT, None
            self.times -= 1
            return self.status, self.retry_after


class _Handler(BaseHTTPRequestHandler):
    received: ClassVar[Received]
    # one that opens a connection and says nothing must not hold its thread
    timeout: ClassVar[float | None] = 10.0

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """The lines of a web server are not what anybody wants to read here."""

    def body(self) -> str:
        length = int(self.headers.get("content-length") or 0)
        return self.rfile.read(min(length, MAX_BYTES)).decode(errors="replace")

    def answer(self, status: int, kind: str = "", text: str = "", **headers: str) -> None:
        content = text.encode()
        self.send_response(status)
        if kind:
            self.send_header("content-type", f"{kind}; charset=utf-8")
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("content-length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)


class Consumer(_Handler):
    """The side that Astero calls."""

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, retry_after = self.received.take(Message(self.path, headers, self.body()))
        self.answer(status, **({} if retry_after is None else {"retry_after": str(retry_after)}))


class Page(_Handler):
    """The side that people look at."""

    def do_GET(self) -> None:
        with self.received.lock:
            messages = list(self.received.messages)
        if self.path == "/sandbox/messages":
            listed = [asdict(message) for message in messages]
            self.answer(HTTPStatus.OK, "application/json", json.dumps({"messages": listed}))
        elif self.path == "/":
            rows = "".join(_row(message) for message in reversed(messages))
            self.answer(HTTPStatus.OK, "text/html", _PAGE.substitute(url=self.received.url, rows=rows))
        else:
            self.answer(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        if self.path != "/sandbox/faults":
            self.answer(HTTPStatus.NOT_FOUND)
            return
        wanted = json.loads(self.body())
        with self.received.lock:
            self.received.status, self.received.times = int(wanted["status"]), int(wanted["times"])
            self.received.retry_after = wanted.get("retryAfter")
        self.answer(HTTPStatus.NO_CONTENT)


def bound_to(handler: type[_Handler], received: Received) -> type[_Handler]:
    """The library makes a handler for each connection and gives it nothing."""
    return type(handler.__name__, (handler,), {"received": received})


def _row(message: Message) -> str:
    head = [f"POST {message.path}", *(f"{name}: {message.headers.get(name, '')}" for name in _SHOWN)]
    shown = "\n".join([*head, "", message.body])
    return f"<li><pre>{html.escape(shown)}</pre>"
