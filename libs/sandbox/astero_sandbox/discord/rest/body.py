"""Request bodies: JSON, or multipart with `payload_json` and files whose bytes are only counted."""

from typing import Any

import orjson
from aiohttp import BodyPartReader, MultipartReader, web

from astero_sandbox.discord import errors

from .routing import Upload


async def read_body(request: web.Request) -> tuple[Any, list[Upload]]:
    """The body has been read whole before, so that it can be logged."""
    raw = await request.read()
    if not raw:
        return None, []
    if request.content_type == "multipart/form-data":
        return await _multipart(request)
    if request.content_type == "application/x-www-form-urlencoded":
        return dict(await request.post()), []
    return _parse(raw), []


def _parse(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise errors.DiscordError(400, 50109) from None


async def _multipart(request: web.Request) -> tuple[Any, list[Upload]]:
    body: Any = None
    uploads: list[Upload] = []
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if isinstance(part, MultipartReader):
            continue
        content = bytes(await part.read(decode=True))
        if part.name == "payload_json":
            body = _parse(content)
        elif part.filename is not None:
            uploads.append(_upload(part, part.filename, content))
    return body, uploads


def _upload(part: BodyPartReader, filename: str, content: bytes) -> Upload:
    return Upload(filename=filename, content_type=part.headers.get("Content-Type"), size=len(content))
