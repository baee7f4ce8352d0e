"""The SMTP conversation for one message, over TLS with a verified certificate.

What a server refuses for good is never tried again; what may pass later is. When the answer to the text
itself is lost, the server may have it: that is told apart, for it is tried once more and no oftener.
"""

import ssl
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from typing import Final

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException

from astero_api.mail.addresses import Mailbox
from astero_api.mail.server import SmtpServer

_CONNECT_SECONDS: Final = 10.0
_COMMAND_SECONDS: Final = 30.0
_DATA_SECONDS: Final = 60.0
_PERMANENT: Final = 500
_QUIT_SECONDS: Final = 2.0


class MailPostponedError(Exception):
    """The server has not got it and may take it later. The text names a step and a code, no address."""


class MailRefusedError(Exception):
    """The server will never take it."""


class MailUncertainError(MailPostponedError):
    """The server got the text and its answer was lost."""


class Sender:
    """One server, one sending mailbox; a connection for each message."""

    def __init__(
        self, server: SmtpServer, mailbox: Mailbox, *, own_name: str, certificates: str | None
    ) -> None:
        """`own_name` is how we introduce ourselves; `certificates` replaces the authorities of the system."""
        self.mailbox = mailbox
        self._server = server
        self._own_name = own_name
        self._tls = ssl.create_default_context(cafile=certificates)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2

    async def send(
        self, message: EmailMessage, recipient: Mailbox, *, hand_over: Callable[[], Awaitable[bool]]
    ) -> bool:
        """Hand the message over; False when `hand_over`, asked right before its text is sent, says no.

        Raises MailPostponedError, MailRefusedError or MailUncertainError.
        """
        client = self._client()
        try:
            await self._introduce(client)
            await self._address(client, recipient)
            if not await hand_over():
                return False
            await self._transfer(client, message)
        finally:
            await _leave(client)
        return True

    def _client(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=None if server.password is None else server.password.reveal(),
            local_hostname=self._own_name,
            timeout=_CONNECT_SECONDS,
            use_tls=server.encryption == "tls",
            start_tls=server.encryption == "starttls",
            tls_context=None if server.encryption == "none" else self._tls,
        )

    async def _introduce(self, client: aiosmtplib.SMTP) -> None:
        try:
            await client.connect()
        except (SMTPException, OSError, ValueError) as error:
            # a wrong password or certificate is the operator's to mend; the letter waits for that
            raise MailPostponedError(f"connecting: {_told(error)}") from None
        client.timeout = _COMMAND_SECONDS

    async def _address(self, client: aiosmtplib.SMTP, recipient: Mailbox) -> None:
        wide = recipient.needs_utf8 or self.mailbox.needs_utf8
        if wide and not client.supports_extension("smtputf8"):
            raise MailRefusedError("the server takes no address outside ASCII")
        encoding = "utf-8" if wide else "ascii"
        try:
            await client.mail(self.mailbox.envelope, options=["SMTPUTF8"] if wide else [], encoding=encoding)
            await client.rcpt(recipient.envelope, encoding=encoding)
        except (SMTPException, OSError) as error:
            raise _verdict("addressing", error) from None

    async def _transfer(self, client: aiosmtplib.SMTP, message: EmailMessage) -> None:
        try:
            await client.data(message.as_bytes(), timeout=_DATA_SECONDS)
        except SMTPResponseException as error:
            raise _verdict("the text", error) from None
        except (SMTPException, OSError) as error:
            raise MailUncertainError(f"the text: {_told(error)}") from None


def _verdict(step: str, error: Exception) -> MailPostponedError | MailRefusedError:
    told = f"{step}: {_told(error)}"
    if isinstance(error, SMTPResponseException) and error.code >= _PERMANENT:
        return MailRefusedError(told)
    return MailPostponedError(told)


def _told(error: Exception) -> str:
    """Never the server's own words: they repeat the address."""
    if isinstance(error, SMTPResponseException):
        return f"{type(error).__name__} {error.code}"
    cause = error.__cause__
    return type(error).__name__ if cause is None else f"{type(error).__name__} by {type(cause).__name__}"


async def _leave(client: aiosmtplib.SMTP) -> None:
    try:
        if client.is_connected:
            await client.quit(timeout=_QUIT_SECONDS)
    except (SMTPException, OSError):
        pass  # whatever it thinks of our leaving, the message is decided
    finally:
        client.close()
