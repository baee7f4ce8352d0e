"""`python -m astero_sandbox.webhooks --port P --tls-port Q --certificate F [--host 127.0.0.1]`

Prints one line, `Sandbox webhooks: http://127.0.0.1:P`, when it accepts connections. Keeps nothing.
"""

import argparse
import signal
import ssl
import sys
import threading
from http.server import ThreadingHTTPServer
from typing import Any

from .consumer import Consumer, Page, Received, bound_to


class _Server(ThreadingHTTPServer):
    """A thread for each connection; one that breaks off is nobody's trouble."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        del request, client_address


def main() -> None:
    parser = argparse.ArgumentParser(prog="astero_sandbox.webhooks")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tls-port", type=int, required=True)
    parser.add_argument("--certificate", required=True)
    options = parser.parse_args()
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    received = Received(f"https://{options.host}:{options.tls_port}/")
    page = _Server((options.host, options.port), bound_to(Page, received))
    consumer = _Server((options.host, options.tls_port), bound_to(Consumer, received))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(options.certificate)
    # the handshake belongs to the connection's own thread: a silent client must not hold up the others
    consumer.socket = tls.wrap_socket(consumer.socket, server_side=True, do_handshake_on_connect=False)
    for server in (page, consumer):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"Sandbox webhooks: http://{options.host}:{options.port}\n")
    sys.stdout.flush()
    signal.sigwait(ends)


if __name__ == "__main__":
    main()
