"""The names of strangers, asked of a name server on this machine."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from astero_shared.outbound.names import Resolver

ZONE = {
    ("both.example.com.", "A"): ["192.0.2.1", "192.0.2.2"],
    ("both.example.com.", "AAAA"): ["2001:db8::1"],
    ("six.example.com.", "AAAA"): ["2001:db8::6"],
    ("many.example.com.", "A"): [f"198.51.100.{n}" for n in range(60)],
}


class NameServer(asyncio.DatagramProtocol):
    """Answers from ZONE, and names that begin with `silent` not at all."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        query = dns.message.from_wire(data)
        (question,) = query.question
        name, kind = question.name.to_text(), question.rdtype.name
        self.asked.append(name)
        if name.startswith("silent"):
            return
        answer = dns.message.make_response(query, recursion_available=True)
        if found := ZONE.get((name, kind)):
            answer.answer.append(dns.rrset.from_text_list(name, 60, "IN", kind, found))
        elif not any(known == name for known, _ in ZONE):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        if name.startswith("huge"):
            # more is to be had over TCP
            answer.set_rcode(dns.rcode.NOERROR)
            answer.flags |= dns.flags.TC
        wire = answer.to_wire()
        assert len(wire) <= query.payload
        self._transport.sendto(wire, addr)


@pytest.fixture
async def server() -> AsyncIterator[tuple[NameServer, int]]:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        NameServer, local_addr=("127.0.0.1", 0)
    )
    yield protocol, transport.get_extra_info("sockname")[1]
    transport.close()


@pytest.fixture
def resolver(server: tuple[NameServer, int], tmp_path: Path) -> Resolver:
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 127.0.0.1\nsearch corp.internal\noptions ndots:5\n")
    return Resolver(file=str(file), port=server[1])


async def test_every_address_of_both_families_is_answered(resolver: Resolver) -> None:
    *four, six = await resolver("both.example.com", 443)
    # within a family the order is the server's, which shuffles
    assert {str(address) for address in four} == {"192.0.2.1", "192.0.2.2"}
    assert six == ip_address("2001:db8::1")
    assert await resolver("six.example.com", 443) == (ip_address("2001:db8::6"),)
    assert len(await resolver("many.example.com", 443)) == 60


async def test_an_answer_that_fits_no_datagram_is_none(resolver: Resolver) -> None:
    with pytest.raises(OSError, match="NoNameservers"):
        await resolver("huge.example.com", 443)


async def test_an_address_is_its_own_answer(resolver: Resolver, server: tuple[NameServer, int]) -> None:
    assert await resolver("127.0.0.1", 443) == (ip_address("127.0.0.1"),)
    assert server[0].asked == []


async def test_an_unknown_name_is_not_looked_for_among_our_own(
    resolver: Resolver, server: tuple[NameServer, int]
) -> None:
    with pytest.raises(OSError, match="NXDOMAIN"):
        await resolver("db.nobody", 443)
    assert set(server[0].asked) == {"db.nobody."}


async def test_names_nobody_answers_hold_up_no_other(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = [asyncio.create_task(resolver(f"silent{n}.example.com", 443)) for n in range(60)]
    await asyncio.sleep(0)
    assert await resolver("six.example.com", 443)
    assert not any(one.done() for one in silent)
    for one in silent:
        one.cancel()
    await asyncio.gather(*silent, return_exceptions=True)
    monkeypatch.setattr("astero_shared.outbound.names.RESOLVE_SECONDS", 0.1)
    with pytest.raises(TimeoutError):
        await resolver("silent.example.com", 443)


async def test_without_a_name_server_no_name_is_known(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="NoResolverConfiguration"):
        await Resolver(file=str(tmp_path / "nothing"))("both.example.com", 443)
