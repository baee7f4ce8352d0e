"""The SMTP side, on aiosmtpd: TLS from the first byte or by STARTTLS, a password before any mail."""

import asyncio
import hmac
import ssl
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from astero_sandbox.mail.faults import CutError, Fault, Faults, Step, meet
from astero_sandbox.mail.inbox import Inbox

USER = "astero"


@dataclass(kw_only=True)
class Post:
    """What the SMTP side and the control API share."""

    password: str
    inbox: Inbox = field(default_factory=Inbox)
    faults: Faults = field(default_factory=Faults)


def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def conversation(post: Post, *, starttls: ssl.SSLContext | None = None) -> SMTP:
    """One connection's protocol. Without `starttls` the listener itself speaks TLS."""
    with warnings.catch_warnings():
        # it cannot know that the listener encrypts from the first byte
        warnings.filterwarnings("ignore", message="Requiring AUTH while not requiring TLS")
        return SMTP(
            _Handler(post),
            hostname="sandbox.mail",
            ident="Astero sandbox",
            enable_SMTPUTF8=True,
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_required=True,
            auth_require_tls=starttls is not None,
            authenticator=_Passwords(post.password),
        )


class _Passwords:
    def __init__(self, password: str) -> None:
        self._password = password.encode()

    def __call__(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        del server, session, envelope, mechanism
        right = (
            isinstance(data, LoginPassword)
            and data.login == USER.encode()
            and hmac.compare_digest(data.password, self._password)
        )
        return AuthResult(success=right, handled=False, auth_data=USER)


class _Handler:
    """Called by aiosmtpd at each step; a text is the answer."""

    def __init__(self, post: Post) -> None:
        self._post = post

    async def handle_MAIL(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, mail_options: list[str]
    ) -> str:
        del session
        refusal = await self._fault(server, "mail")
        if refusal is not None:
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        del session
        refusal = await self._fault(server, "rcpt")
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        fault = self._post.faults.take("data")
        if fault is None or fault.keep or fault.kind == "slow":
            self._keep(server, session, envelope)
        if fault is not None:
            refusal = await self._meet(server, fault)
            if refusal is not None:
                return refusal
        return "250 kept"

    def _keep(self, server: SMTP, session: Session, envelope: Envelope) -> None:
        content = envelope.original_content
        self._post.inbox.add(
            sender=envelope.mail_from or "",
            recipients=tuple(envelope.rcpt_tos),
            raw=content if isinstance(content, bytes) else b"",
            encrypted=server.transport is not None
            and server.transport.get_extra_info("sslcontext") is not None,
            user=USER if session.authenticated else None,
        )

    async def _fault(self, server: SMTP, step: Step) -> str | None:
        fault = self._post.faults.take(step)
        return None if fault is None else await self._meet(server, fault)

    async def _meet(self, server: SMTP, fault: Fault) -> str | None:
        try:
            return await meet(fault)
        except CutError:
            transport = server.transport
            if isinstance(transport, asyncio.Transport):
                transport.abort()
            return "421 gone"
