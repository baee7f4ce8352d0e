"""A letter between the transaction that wrote it and the worker that sends it: sealed, bound to its row."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from astero_api.mail.kinds import MailKind
from astero_shared.crypto.fields import seal, unseal
from astero_shared.crypto.keyring import Keyring
from astero_shared.i18n import Locale
from astero_shared.observability.masking import Masked

_TABLE: Final = "mails"
_COLUMN: Final = "letter"


class Letter(Masked, frozen=True, kw_only=True):
    """`written_at` is told in the letter; `token` is the secret of its link."""

    kind: MailKind
    to: str
    locale: Locale
    written_at: datetime
    details: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    token: str | None = None


def seal_letter(keyring: Keyring, mail_id: UUID, letter: Letter) -> bytes:
    plain = msgspec.json.encode(letter)
    return seal(keyring, table=_TABLE, column=_COLUMN, row=mail_id, plaintext=plain)


def unseal_letter(keyring: Keyring, mail_id: UUID, blob: bytes) -> Letter:
    """Raises SecretUnavailableError."""
    plain = unseal(keyring, table=_TABLE, column=_COLUMN, row=mail_id, blob=blob)
    return msgspec.json.decode(plain, type=Letter)
