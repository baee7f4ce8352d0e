"""What travels when people make accounts."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from astero_shared.observability.masking import Masked


class RegistrationIn(Masked, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """`password` is taken exactly as sent: 12 to 1024 bytes in UTF-8, any characters."""

    email: Annotated[
        str, Meta(min_length=3, max_length=254, examples=["ana@example.com"], description="One address.")
    ]
    password: Annotated[str, Meta(min_length=3, max_length=1024, examples=["four-words-nobody-guesses"])]
    display_name: Annotated[str, Meta(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = (
        None
    )
    locale: Literal["en", "fr"] = "en"


class UserOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A user as that user sees it."""

    id: UUID
    email: str
    display_name: str | None
    locale: str
