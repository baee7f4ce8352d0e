"""The certificate of the sandbox mail server: made on the first run, trusted by nobody who is not told to."""

import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from astero_sandbox.credentials import write_private
from astero_sandbox.ports import LOOPBACK

_LIFETIME = timedelta(days=3650)
_RENEWED_BEFORE = timedelta(days=30)


def ensure_certificate(folder: Path) -> Path:
    """The file with certificate and key in `folder`, made anew when it is missing, damaged or about to end.

    What clients trust stands beside it, without the key: `authority_of(folder)`.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file, authority = folder / "server.pem", authority_of(folder)
    if not _is_good(authority) or not file.is_file():
        certificate, key = _make()
        write_private(file, key + certificate)
        write_private(authority, certificate)
    return file


def authority_of(folder: Path) -> Path:
    return folder / "authority.pem"


def _signs_and_serves() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _is_good(authority: Path) -> bool:
    try:
        found = x509.load_pem_x509_certificate(authority.read_bytes())
    except (OSError, ValueError):
        return False
    return found.not_valid_after_utc > _now() + _RENEWED_BEFORE


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def _make() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Astero sandbox mail")])
    now = _now()
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ip_address(LOOPBACK)), x509.IPAddress(ip_address("::1"))]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        # Python 3.13 reads RFC 5280 to the letter: an authority says that it is one, and by which key
        .add_extension(_signs_and_serves(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    written = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), written
