"""Remembers every secret value this process has loaded and finds each of them in any text.

Also in the forms a secret travels in: base64 at any offset (so inside `Basic …`), percent-encoded,
JSON-escaped, hexadecimal. Any number of secrets costs one look-up per eight characters of text.
"""

import base64
import json
import re
import threading
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, quote_plus, unquote

from astero_shared.observability.marker import MARK_START, mark

MINIMUM_LENGTH: Final = 8  # shorter values are words and would eat ordinary text
_GRAM: Final = 8
# A value this long covers a whole aligned gram wherever it lies in the text.
_INDEXED_LENGTH: Final = 2 * _GRAM - 1
_KEY_ID: Final = re.compile(r"[0-9]{1,10}:")
_URL_PASSWORD: Final = re.compile(r"://[^\s:/@]*:([^\s]*)@")


class KnownSecrets:
    """A growing set of secrets. Adding is O(length); reading takes no lock."""

    def __init__(self) -> None:
        # aligned gram → (offset of the gram in the form, form, mark)
        self._grams: dict[str, list[tuple[int, str, str]]] = {}
        self._short: tuple[tuple[str, str], ...] = ()
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        self.longest = 0

    def add(self, value: str | bytes) -> None:
        """Register one secret, its parts (`1:key,2:key`, the password of a URL) and their forms."""
        with self._lock:
            for part in _parts(value):
                label = mark(part)
                for form in _forms(part):
                    self._add_form(form, label)

    def _add_form(self, form: str, label: str) -> None:
        if len(form) < MINIMUM_LENGTH or form in self._seen or form in MARK_START:
            return
        self._seen.add(form)
        self.longest = max(self.longest, len(form))
        if len(form) < _INDEXED_LENGTH:
            longest_first = sorted((*self._short, (form, label)), key=lambda pair: -len(pair[0]))
            self._short = tuple(longest_first)
            return
        for offset in range(_GRAM):
            gram = form[offset : offset + _GRAM]
            self._grams.setdefault(gram, []).append((offset, form, label))

    def hide(self, text: str) -> str:
        """`text` with every occurrence of a known secret replaced by its mark."""
        if len(text) < MINIMUM_LENGTH or not self._seen:
            return text
        grams = self._grams
        hits = [at for at in range(0, len(text) - _GRAM + 1, _GRAM) if text[at : at + _GRAM] in grams]
        if hits:
            text = self._replace(text, hits)
        for form, label in self._short:
            if form in text:
                text = text.replace(form, label)
        return text

    def _replace(self, text: str, hits: list[int]) -> str:
        found: list[tuple[int, int, str]] = []
        for at in hits:
            for offset, form, label in self._grams[text[at : at + _GRAM]]:
                start = at - offset
                if start >= 0 and text.startswith(form, start):
                    found.append((start, start + len(form), label))
        if not found:
            return text
        # Overlapping finds (a key ring and one of its keys) become one mark over all they cover.
        found.sort(key=lambda span: (span[0], -span[1]))
        out: list[str] = []
        done = 0
        covered_to = -1
        for start, end, label in found:
            if start >= covered_to:
                out += (text[done:start], label)
                covered_to = end
            else:
                covered_to = max(covered_to, end)
            done = covered_to
        out.append(text[done:])
        return "".join(out)


def _parts(value: str | bytes) -> Iterator[str | bytes]:
    yield value
    if isinstance(value, bytes):
        return
    if "," in value or _KEY_ID.match(value):
        for piece in value.split(","):
            yield _KEY_ID.sub("", piece.strip(), count=1)
    for password in _URL_PASSWORD.findall(value):
        yield password
        yield unquote(password)


def _forms(value: str | bytes) -> Iterator[str]:
    if isinstance(value, bytes):
        raw = value
        if len(raw) < MINIMUM_LENGTH:
            return
    else:
        if len(value) < MINIMUM_LENGTH:
            return
        raw = value.encode("utf-8", "surrogatepass")
        yield value
        yield quote(raw, safe="")
        yield quote_plus(raw)
        yield json.dumps(value)[1:-1]
        yield json.dumps(value, ensure_ascii=False)[1:-1]
        yield repr(value)[1:-1]
    yield raw.hex()
    for shift in range(3):
        # The first and last characters depend on the neighbours, so only the inner ones are searched for.
        encoded = base64.b64encode(b"\0" * shift + raw).decode()
        first = (0, 2, 3)[shift]
        last = (len(raw) + shift) * 8 // 6
        inner = encoded[first:last]
        yield inner
        yield inner.translate({ord("+"): "-", ord("/"): "_"})
