"""An authenticator in software (Web Authentication Level 3): it says what it is told to, lies included."""

import base64
import json
import secrets
import struct
from hashlib import sha256
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from support.api import ORIGIN
from webauthn.helpers import encode_cbor

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
HOST = "astero.test"


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(text_: str) -> bytes:
    return base64.urlsafe_b64decode(text_ + "=" * (-len(text_) % 4))


def client_data(kind: str, challenge: str, origin: str) -> bytes:
    return json.dumps({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}).encode()


class Key:
    """One credential with its count."""

    def __init__(self) -> None:
        self.secret = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(32)
        self.handle = secrets.token_bytes(64)
        self.count = 1

    def _cose(self) -> bytes:
        numbers = self.secret.public_key().public_numbers()
        return encode_cbor(
            {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        )

    def _data(self, flags: int, host: str) -> bytes:
        return sha256(host.encode()).digest() + struct.pack(">BI", flags, self.count)

    def create(
        self,
        options: dict[str, Any],
        *,
        origin: str = ORIGIN,
        host: str = HOST,
        flags: int = PRESENT | VERIFIED,
        fmt: str = "none",
    ) -> dict[str, Any]:
        """The answer to creation options."""
        self.handle = raw(options["user"]["id"])
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + self._cose()
        made = {"fmt": fmt, "attStmt": {}, "authData": self._data(flags | ATTESTED, host) + attested}
        return {
            "id": text(self.id),
            "rawId": text(self.id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": text(client_data("webauthn.create", options["challenge"], origin)),
                "attestationObject": text(encode_cbor(made)),
                "transports": ["internal", "telepathy"],
            },
        }

    def get(
        self,
        options: dict[str, Any],
        *,
        origin: str = ORIGIN,
        host: str = HOST,
        flags: int = PRESENT | VERIFIED,
        kind: str = "webauthn.get",
        counts: bool = True,
    ) -> dict[str, Any]:
        """The answer to request options."""
        self.count += counts
        data = self._data(flags, host)
        said = client_data(kind, options["challenge"], origin)
        signature = self.secret.sign(data + sha256(said).digest(), ec.ECDSA(SHA256()))
        return {
            "id": text(self.id),
            "rawId": text(self.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": text(said),
                "authenticatorData": text(data),
                "signature": text(signature),
                "userHandle": text(self.handle),
            },
        }


async def options(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer = await client.post(path)
    assert answer.status_code == 200, answer.text
    return answer.json()["publicKey"]


async def add_key(client: httpx.AsyncClient, name: str = "Phone") -> tuple[Key, str]:
    """A new passkey of whoever is signed in, and its id."""
    key = Key()
    credential = key.create(await options(client, "/api/auth/passkeys/options"))
    answer = await client.post("/api/auth/passkeys", json={"name": name, "credential": credential})
    assert answer.status_code == 201, answer.text
    return key, answer.json()["id"]
