"""A consumer of webhooks on this machine: TLS with a certificate of its own authority, and any manners."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from astero_shared.clock import utc_now

NAME = "hooks.example.com"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Authority:
    """`server` speaks for NAME and 127.0.0.1; `client` believes this authority and no other."""

    server: ssl.SSLContext
    client: ssl.SSLContext

    @classmethod
    def make(cls, folder: Path, *, names: tuple[str, ...] = (NAME, "127.0.0.1")) -> "Authority":
        root_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test authority")])
        begun, until = utc_now() - _DAY, utc_now() + _DAY
        root = _certificate(root_name, root_name, root_key, begun, until)
        root = root.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        root = root.add_extension(_usage(), critical=True)
        root = root.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), critical=False
        )
        leaf = _certificate(x509.Name([]), root_name, leaf_key, begun, until)
        leaf = leaf.add_extension(x509.SubjectAlternativeName([_san(name) for name in names]), critical=True)
        leaf = leaf.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False
        )
        chain, authorities = folder / "server.pem", folder / "authority.pem"
        pem = serialization.Encoding.PEM
        chain.write_bytes(
            leaf_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + leaf.sign(root_key, hashes.SHA256()).public_bytes(pem)
        )
        authorities.write_bytes(root.sign(root_key, hashes.SHA256()).public_bytes(pem))
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(chain)
        return cls(server, ssl.create_default_context(cafile=authorities))


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, begun: Any, until: Any
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begun)
        .not_valid_after(until)
    )


def _usage() -> x509.KeyUsage:
    no = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "encipher_only", "decipher_only"), False
    )  # fmt: skip
    return x509.KeyUsage(key_cert_sign=True, crl_sign=True, **no)


def _san(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[Call, asyncio.StreamWriter], Awaitable[None]]


def plain(status: int = 200, *headers: str, body: bytes = b"ok") -> Answer:
    async def answer(_call: Call, writer: asyncio.StreamWriter) -> None:
        head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers]
        writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        await writer.drain()

    return answer


@dataclass
class Consumer:
    """`answers` are given in turn, the last one for ever; `busiest` is how many calls were open at once."""

    port: int = 0
    answers: list[Answer] = field(default_factory=lambda: [plain()])
    calls: list[Call] = field(default_factory=list[Call])
    busiest: int = 0
    _open: int = 0
    _heard: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/hook"

    @property
    def allowed(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def wait_for(self, count: int, *, seconds: float = 60.0) -> None:
        """Until that many calls have come."""
        async with asyncio.timeout(seconds), self._heard:
            await self._heard.wait_for(lambda: len(self.calls) >= count)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        self.busiest = max(self.busiest, self._open)
        try:
            call = await _read(reader)
            async with self._heard:
                self.calls.append(call)
                self._heard.notify_all()
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            await answer(call, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # the caller left, which is what some of these tests are about
        finally:
            self._open -= 1
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Call:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in rest)}
    return Call(line, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


@asynccontextmanager
async def consuming(authority: Authority, *answers: Answer) -> AsyncGenerator[Consumer]:
    """On a free port of 127.0.0.1."""
    consumer = Consumer()
    if answers:
        consumer.answers = list(answers)
    listener = await asyncio.start_server(consumer.serve, "127.0.0.1", 0, ssl=authority.server)
    consumer.port = listener.sockets[0].getsockname()[1]
    try:
        yield consumer
    finally:
        listener.close()
