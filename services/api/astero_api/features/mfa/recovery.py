"""Recovery codes: shown once, kept as keyed hashes, each of which opens one login.

120 random bits need no slow hash (ASVS 6.5.2); the key is derived from the pepper, which no database sees.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlmodel.ext.asyncio.session import AsyncSession

from astero_shared.crypto.keyring import Keyring
from astero_shared.features.mfa.rules import RECOVERY_CODES, new_recovery_code, read_recovery_code
from astero_shared.features.mfa.store import claim_recovery_code, replace_recovery_codes

_INFO: Final = b"astero.recovery-code.v1"


class RecoveryHashes:
    """One hash under each key of the ring: a rotated pepper leaves printed codes good."""

    def __init__(self, pepper: Keyring) -> None:
        self._keys = [
            HKDF(SHA256(), length=32, salt=None, info=_INFO).derive(key) for key in pepper.reveal_all()
        ]

    def of(self, user_id: UUID, symbols: str) -> list[bytes]:
        """The current key's first."""
        return [self._hash(key, user_id, symbols) for key in self._keys]

    @staticmethod
    def _hash(key: bytes, user_id: UUID, symbols: str) -> bytes:
        keyed = HMAC(key, SHA256())
        keyed.update(user_id.bytes + symbols.encode("ascii"))
        return keyed.finalize()


async def make_recovery_codes(
    session: AsyncSession, hashes: RecoveryHashes, user_id: UUID, *, now: datetime
) -> tuple[str, ...]:
    """Ten new codes in place of all before; the only time they are seen."""
    codes = tuple(new_recovery_code() for _ in range(RECOVERY_CODES))
    symbols = [code.replace("-", "") for code in codes]
    await replace_recovery_codes(
        session, user_id, hashes=[hashes.of(user_id, one)[0] for one in symbols], now=now
    )
    return codes


async def use_recovery_code(
    session: AsyncSession, hashes: RecoveryHashes, user_id: UUID, text: str, *, now: datetime
) -> bool:
    """Whether it was one of the user's and not used before; it is used up."""
    symbols = read_recovery_code(text)
    if symbols is None:
        return False
    return await claim_recovery_code(session, user_id, hashes=hashes.of(user_id, symbols), now=now)
