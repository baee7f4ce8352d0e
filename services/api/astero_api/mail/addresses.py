"""Addresses as SMTP and headers need them: the domain in ASCII (IDNA), no byte that could begin a line."""

import re
from dataclasses import dataclass
from email.headerregistry import Address
from typing import Final, Self

import idna

from astero_shared.features.accounts.rules import is_email

_NAMED: Final = re.compile(r"(?P<name>[^<>\"\x00-\x1f\x7f]*)<(?P<address>[^<>]+)>")
_MAX_NAME: Final = 80


class AddressUnusableError(ValueError):
    """No server could be found for it. The address stays unsaid."""

    def __init__(self) -> None:
        super().__init__("is not an address that mail can be sent to")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address, with the name shown beside it where it is ours."""

    local: str
    domain: str
    name: str = ""

    @classmethod
    def of(cls, address: str, *, name: str = "") -> Self:
        """Raises AddressUnusableError."""
        if not is_email(address):
            raise AddressUnusableError
        local, _, domain = address.rpartition("@")
        try:
            ascii_domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            raise AddressUnusableError from None
        return cls(local, ascii_domain, name)

    @classmethod
    def parse(cls, text: str) -> Self:
        """`Astero <mail@astero.example>` or the address alone. Raises ValueError."""
        match = _NAMED.fullmatch(text.strip())
        if match is None:
            return cls.of(text.strip())
        name = match["name"].strip()
        if len(name) > _MAX_NAME:
            raise ValueError(f"has a name of more than {_MAX_NAME} characters")
        return cls.of(match["address"].strip(), name=name)

    @property
    def envelope(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def needs_utf8(self) -> bool:
        """Only servers that offer SMTPUTF8 (RFC 6531) take it."""
        return not self.local.isascii()

    @property
    def header(self) -> Address:
        return Address(display_name=self.name, username=self.local, domain=self.domain)
