"""Stands where a service would: answers 200 on the port that the service would open, or dies as it is told.

Run with a word: `serve`, `refuse` (bad configuration), `crash` (at once),
`deaf` (ignores SIGTERM), `mute` (never answers).
"""

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

from typing_extensions import override


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815 - http.server's own spelling

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


def main(word: str) -> None:
    line = {"level": 30, "time": time.time() * 1000, "msg": f"{word} begins", "reqId": "r1"}
    sys.stdout.write(json.dumps(line) + "\n")
    if word == "refuse":
        sys.stderr.write("JWT_SECRET: is not set\n")
        sys.exit(78)
    if word == "crash":
        sys.exit(3)
    if word == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    port = os.environ.get("API_PORT") or os.environ.get("ENGINE_BIND", "").rpartition(":")[2]
    if not port or word == "mute":
        threading.Event().wait()
    HTTPServer(("127.0.0.1", int(port)), Answer).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
