"""Walking chains: every entry is as it was written, where it was written, and none is missing.

What an entry cannot show (that nothing came after it, that it was not written anew with all that follow) is
seen by comparing with heads that were told to the outside.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import groupby

from astero_shared.audit.canonical import NO_HASH, StoredEntry, hash_entry, hash_personal
from astero_shared.audit.chains import chain_of
from astero_shared.audit.heads import Head


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place of a chain where it is not what was written."""

    chain: str
    seq: int
    why: str


def verify(entries: Iterable[StoredEntry], heads: Iterable[Head]) -> Iterator[Broken]:
    """`entries` come by chain, then by `seq`; at most one answer for each chain."""
    told: defaultdict[str, list[Head]] = defaultdict(list)
    for head in heads:
        told[head.chain].append(head)
    for chain, members in groupby(entries, key=lambda entry: entry.chain):
        broken = _walk(chain, members, told.pop(chain, []))
        if broken is not None:
            yield broken
    for chain, gone in sorted(told.items()):
        newest = max(gone, key=lambda head: head.seq)
        yield Broken(chain, 1, f"cut off: all {newest.seq} entries that were there {_at(newest)} are gone")


def _walk(chain: str, entries: Iterable[StoredEntry], heads: list[Head]) -> Broken | None:
    told = {head.seq: head for head in heads}
    seq, link = 0, NO_HASH
    for entry in entries:
        why = _wrong(entry, seq + 1, link)
        head = told.get(entry.seq)
        if why is None and head is not None and head.hash != entry.hash:
            why = f"written anew: {_at(head)} it had another hash"
        if why is not None:
            return Broken(chain, entry.seq, why)
        seq, link = entry.seq, entry.hash
    newest = max(told, default=0)
    if newest > seq:
        return Broken(chain, seq + 1, f"cut off: entry {newest} was there {_at(told[newest])}")
    return None


def _wrong(entry: StoredEntry, expected: int, link: bytes) -> str | None:
    own = chain_of(bot_id=entry.bot_id, guild_id=entry.guild_id, account_id=entry.account_id)
    found = (
        (entry.seq < expected, f"forked: there is more than one entry {entry.seq}"),
        (entry.seq > expected, f"entry {expected} is missing before it"),
        (entry.prev_hash != link, "does not follow the entry before it"),
        (entry.hash != hash_entry(entry), "changed since it was written"),
        (entry.chain != own, "stands in a chain that is not its own"),
        (not _is_personal_as_written(entry), "what is personal in it was changed since it was written"),
    )
    return next((why for is_so, why in found if is_so), None)


def _is_personal_as_written(entry: StoredEntry) -> bool:
    if entry.personal is None or entry.personal_salt is None:
        # forgotten, or never there: both, or something was put in or taken out by hand
        return entry.personal is None and entry.personal_salt is None
    return hash_personal(entry.personal_salt, entry.personal) == entry.personal_hash


def without_purged(heads: Iterable[Head], purged: Mapping[str, datetime]) -> Iterator[Head]:
    """Heads of servers whose entries went with the server; `purged` maps its fingerprint (hex) to when."""
    for head in heads:
        kind, _, server = head.chain.partition(":")
        # as purge_installation writes it
        gone_at = purged.get(sha256(server.encode()).hexdigest()) if kind == "guild" else None
        if gone_at is None or head.told_at > gone_at:
            yield head


def _at(head: Head) -> str:
    return f"on {head.told_at:%Y-%m-%d at %H:%M:%S} UTC"
