"""Memory and threads of two hundred connected bots in one process: one small guild each, TLS, uvloop.

The floor is discord.py's own client with every cache off, measured in the same run.
"""

import datetime as dt
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.bench.gateway_throughput import Pair

WANTED_KB = 200
_BOTS = 200


@dataclass(frozen=True)
class Figures:
    """KiB a bot adds, and the threads two hundred of them add; `ruled_kb` with six rules in its guild."""

    floor_kb: float
    ours_kb: float
    ruled_kb: float
    floor_threads: int
    our_threads: int

    @property
    def holds(self) -> bool:
        return self.ours_kb <= WANTED_KB and self.our_threads == 0

    def __str__(self) -> str:
        return (
            f"memory per connected bot (TLS, uvloop, {_BOTS} bots): {self.ours_kb:.0f} KiB"
            f" (at most {WANTED_KB}), discord.py {self.floor_kb:.0f} KiB,"
            f" ratio {self.ours_kb / self.floor_kb:.2f}\n"
            f"  with the six rules of its guild compiled: {self.ruled_kb:.0f} KiB\n"
            f"  threads they add: {self.our_threads} (0 wanted), discord.py {self.floor_threads}"
        )


def run() -> Figures:
    """Starts what it needs and ends it."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        certificate = Path(folder, "feeder.pem")
        certificate.write_bytes(_self_signed())
        grown = {
            name: Pair(stack, name, bots=_BOTS, certificate=str(certificate)).grown
            for name in ("quiet", "rules", "floor")
        }
    return Figures(
        floor_kb=grown["floor"]["residentKb"] / (_BOTS - 1),
        ours_kb=grown["quiet"]["residentKb"] / (_BOTS - 1),
        ruled_kb=grown["rules"]["residentKb"] / (_BOTS - 1),
        floor_threads=int(grown["floor"]["threads"]),
        our_threads=int(grown["quiet"]["threads"]),
    )


def _self_signed() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ) + certificate.public_bytes(serialization.Encoding.PEM)


if __name__ == "__main__":
    print(run())
