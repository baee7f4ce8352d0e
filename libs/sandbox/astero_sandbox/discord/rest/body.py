"""Request bodies: JSON, or multipart with `payload_json` and files whose bytes are only counted."""

from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import orjson
from aiohttp import web

from astero_sandbox.discord import errors

from .routing import Upload


async def read_body(request: web.Request) -> tuple[Any, list[Upload]]:
    """The body has been read whole before, so that it can be logged."""
    raw = await request.read()
    if not raw:
        return None, []
    if request.content_type == "multipart/form-data":
        return _multipart(request.headers["Content-Type"], raw)
    if request.content_type == "application/x-www-form-urlencoded":
        return dict(await request.post()), []
    return _parse(raw), []


def _parse(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise errors.DiscordError(400, 50109) from None


def _multipart(content_type: str, raw: bytes) -> tuple[Any, list[Upload]]:
    """A multipart body is a mail without its first header, which the request line carried."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    parsed = BytesParser(EmailMessage, policy=HTTP).parsebytes(head + raw)
    body: Any = None
    uploads: list[Upload] = []
    for part in parsed.iter_parts():
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            continue
        name = part.get_param("name", header="content-disposition")
        filename = part.get_filename()
        if name == "payload_json":
            body = _parse(content)
        elif filename is not None:
            kind = part.get_content_type() if "Content-Type" in part else None
            uploads.append(Upload(filename=filename, content_type=kind, size=len(content)))
    return body, uploads
