"""OAuth tokens between Discord's answer and our columns: sealed for exactly their row and column."""

from datetime import datetime, timedelta
from typing import Literal, TypedDict
from uuid import UUID

from astero_api.features.discord_accounts.oauth import Tokens
from astero_shared.clock import utc_now
from astero_shared.crypto.fields import seal, unseal
from astero_shared.crypto.keyring import Keyring

TABLE = "discord_accounts"
TokenColumn = Literal["access_ciphertext", "refresh_ciphertext"]


class SealedTokens(TypedDict):
    access_ciphertext: bytes
    refresh_ciphertext: bytes
    access_expires_at: datetime


def seal_tokens(keyring: Keyring, user_id: UUID, tokens: Tokens) -> SealedTokens:
    def sealed(column: TokenColumn, token: str) -> bytes:
        return seal(keyring, table=TABLE, column=column, row=user_id, plaintext=token.encode())

    return {
        "access_ciphertext": sealed("access_ciphertext", tokens.access_token),
        "refresh_ciphertext": sealed("refresh_ciphertext", tokens.refresh_token),
        "access_expires_at": utc_now() + timedelta(seconds=tokens.expires_in),
    }


def unseal_token(keyring: Keyring, column: TokenColumn, user_id: UUID, blob: bytes) -> str:
    return unseal(keyring, table=TABLE, column=column, row=user_id, blob=blob).decode()
