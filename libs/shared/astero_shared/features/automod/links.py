"""Links in a text: addresses with a scheme, with www, and bare domains written to get past a filter.

What merely looks like a domain ("ok.so", "main.py", an e-mail address) is left alone; an address is what a
browser would open, so `https://good.example@evil.example` leads to evil.example.
"""

from collections.abc import Iterator
from typing import Final

import idna
import re2

from astero_shared.features.automod.domains import host_to_ascii, is_allowed
from astero_shared.features.automod.lookalikes import fold
from astero_shared.features.automod.readings import Readings, excerpt

# Top-level domains that are no word, no file ending and nobody's attribute (`logger.info`): with these, a
# bare `example.com` is an address. The others need a scheme, www or a path.
_BARE: Final = (
    "com|net|org|edu|gov|biz|xyz|io|gg|icu|uk|eu|fr|ch|nl|cz|hu|gr|ru|ua|by|kz|jp|kr|cn|tw|hk|sg|"
    "th|vn|br|mx|za|nz|tv|cc|co|fm|ly|gl|gd|ml|ga|cf|gq|pw|casino|porn|xxx|cyou|sbs|cfd|"
    "xn--[a-z0-9-]+"
)
# With a path behind them, these too. File endings (py, rs, md, sh, pl, ps, so) are left out.
_PATHED: Final = (
    "ac|ad|ae|af|ag|ai|al|am|app|ar|as|at|au|az|ba|bd|be|bg|bh|bi|bn|bo|bs|bt|bz|ca|cat|ci|cl|"
    "club|click|cloud|cm|cr|cu|cx|cy|de|dev|digital|dj|dk|do|download|dz|ec|ee|eg|es|et|fi|fun|"
    "game|games|ge|gh|gift|group|gs|gt|help|hm|hn|host|hr|ht|id|ie|il|im|in|info|ink|int|iq|ir|"
    "is|it|jobs|ke|kg|kh|la|lb|li|life|link|live|lk|lol|lt|lu|lv|ma|market|mc|me|media|mg|mk|mn|"
    "mobi|money|moe|mt|mu|mv|mw|my|name|network|news|ng|ni|no|np|one|online|page|pe|ph|pk|press|"
    "pro|promo|pt|qa|re|ro|rocks|run|rw|sa|sale|se|shop|si|site|sk|social|space|st|store|stream|"
    "su|sv|sy|team|tech|tg|tips|tj|tk|tm|tn|to|today|top|tr|tt|tz|ug|us|uy|uz|va|vg|video|vip|vu|"
    "website|wiki|win|work|world|ws|wtf|ye|zip|zone"
)
_HOST_CHARACTER: Final = r"a-z0-9\-\x80-\xff"
_ABSENT: Final = (-1, -1)
_LABELS: Final = rf"(?:[{_HOST_CHARACTER}]+(?:\.|\(\.\)|\[\.\]|\(dot\)|\[dot\]))+"
# Not within a word or an e-mail address; the end takes the path along, whose parts are no hosts.
_START: Final = r"(?:^|[^a-z0-9.@_=\-\x80-\xff])"
_END: Final = rf"(?:$|[/?#:][^\s<>()\[\]|*]*|[^{_HOST_CHARACTER}_])"


def _options() -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return options


_URL: Final = re2.compile(rb"""https?:[/\\]{2,}([^\s/?#\\<>"]*)([^\s<>()\[\]|*"]*)""", _options())
_HOST: Final = re2.compile(rb"^(\[[0-9a-f:.]+\]|[a-z0-9.\-_%\x80-\xff]+)(:[0-9]*)?", _options())
_BARE_HOST: Final = re2.compile(
    (
        rf"{_START}(?:(www\.{_LABELS}[{_HOST_CHARACTER}]{{2,}})"
        rf"|({_LABELS}(?:{_BARE})){_END}"
        rf"|({_LABELS}(?:{_PATHED}))(?::[0-9]{{2,5}})?/[a-z0-9?#@%~_+\x80-\xff-])"
    ).encode("latin-1"),
    _options(),
)


def _prefilter() -> re2.Set:
    # A far smaller automaton than the finder: one pass that says "no link here" for nearly all messages.
    options = _options()
    options.never_capture = True
    made = re2.Set.SearchSet(options)
    made.Add(
        (rf"https?:[/\\]|www\.|[.)\]](?:{_BARE}){_END}|[.)\]](?:{_PATHED})(?::[0-9]{{2,5}})?/").encode(
            "latin-1"
        )
    )
    made.Compile()
    return made


_MAYBE: Final = _prefilter()


class LinkMatcher:
    """`ignored` are hosts another rule judges (invites), `allowed` the server's list of domains."""

    __slots__ = ("_allowed", "_allowed_folded", "_ignored")

    def __init__(self, allowed: tuple[str, ...], ignored: frozenset[str]) -> None:
        self._allowed = frozenset(allowed)
        # A domain in another script is stored as xn--…; the folded reading shows it in plain letters.
        self._allowed_folded = self._allowed | {fold(_to_unicode(domain)) for domain in allowed}
        self._ignored = ignored

    def find(self, readings: Readings) -> str | None:
        """The first host that is not allowed; None if there is none."""
        if not any(map(_MAYBE.Match, readings.folded)):
            return None
        # Look-alikes may hide a link from the reading in plain letters, but never make one allowed: what
        # the browser would open is judged first, and an allowed name there is no look-alike.
        for data in readings.plain:
            found = self._find(data, self._allowed)
            if found is not None:
                return found
        if readings.folded is not readings.plain:
            for data in readings.folded:
                found = self._find(data, self._allowed_folded)
                if found is not None:
                    return found
        return None

    def _find(self, data: bytes, allowed: frozenset[str]) -> str | None:
        seen: set[bytes] = set()
        for host in find_hosts(data):
            if host in seen:
                continue
            seen.add(host)
            name = host_to_ascii(host.decode("utf-8", "ignore"))
            if name is None:
                return excerpt(host, 0, len(host))
            if not is_allowed(name, allowed) and not is_allowed(name, self._ignored):
                return excerpt(host, 0, len(host))
        return None


def find_hosts(data: bytes) -> Iterator[bytes]:
    """Every host a reader could follow, as written, in the order: addresses with a scheme, then bare ones."""
    rest: list[bytes] = []
    end = 0
    for url in _URL.finditer(data):
        rest.append(data[end : url.start()])
        end = url.end()
        authority = data[url.start(1) : url.end(1)].rpartition(b"@")[2]
        host = _HOST.search(authority)
        if host is None:  # `https://` with nothing usable behind it is no link
            continue
        yield authority[host.start(1) : host.end(1)]
        if host.end() < len(authority):
            # Markdown's signs may end an address ("[a](https://b.example)c.example"): read on.
            rest.append(authority[host.end() :] + data[url.start(2) : url.end(2)])
    rest.append(data[end:])
    text = b" ".join(rest)
    for bare in _BARE_HOST.finditer(text):
        start, end = next(span for group in (1, 2, 3) if (span := bare.span(group)) != _ABSENT)
        yield _undotted(text[start:end])


def _undotted(written: bytes) -> bytes:
    for dot in (b"(.)", b"[.]", b"(dot)", b"[dot]"):
        written = written.replace(dot, b".")
    return written


def _to_unicode(domain: str) -> str:
    # Python's own codec knows IDNA 2003 only, where ß and ZWJ have no form of their own.
    try:
        return idna.decode(domain)
    except idna.IDNAError:
        return domain
