"""Sentry's envelope: lines of JSON, each item a header and a payload that is counted or ends with its line.

https://develop.sentry.dev/sdk/foundations/envelopes/
"""

from typing import Any, Final

import orjson

MAX_BYTES: Final = 1024 * 1024


class EnvelopeMalformedError(Exception):
    """Answered with 400."""


def read_events(body: bytes) -> list[dict[str, Any]]:
    """The payloads of the items of type `event`. Raises EnvelopeMalformedError."""
    try:
        return _events(body)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise EnvelopeMalformedError(str(error)) from None


def _events(body: bytes) -> list[dict[str, Any]]:
    header, _, rest = body.partition(b"\n")
    if not isinstance(orjson.loads(header), dict):
        raise TypeError("the envelope's header is no object")
    events: list[dict[str, Any]] = []
    while rest.strip(b"\n"):
        line, _, rest = rest.lstrip(b"\n").partition(b"\n")
        item = orjson.loads(line)
        length = item.get("length")
        if length is None:
            payload, _, rest = rest.partition(b"\n")
        else:
            payload, rest = rest[:length], rest[length:]
            if len(payload) != length:
                raise ValueError("an item is shorter than it says")
        if item["type"] == "event":
            events.append(orjson.loads(payload))
    return events
