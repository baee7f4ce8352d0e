"""Lanes are bounded, fair and deaf to each other's trouble."""

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st
from support.lanes import event, until

from astero_bot_engine.dispatch.events import RawEvent
from astero_bot_engine.dispatch.queue import PRESENCE_LIKE, FairQueue, Lane


def lane(queue: FairQueue | None = None, *, capacity: int = 1000) -> Lane:
    return (queue or FairQueue()).lane(uuid4(), capacity=capacity)


async def test_events_reach_their_listener_in_order() -> None:
    heard: list[int] = []
    one = lane()
    for number in range(100):
        one.put(event(lambda e: heard.append(e.sequence), sequence=number))
    await until(lambda: len(heard) == 100)
    assert heard == list(range(100))
    assert one.status().handled == 100


async def test_bots_are_served_in_turns() -> None:
    queue, heard = FairQueue(), list[str]()
    noisy, quiet = lane(queue), lane(queue)
    for _ in range(500):
        noisy.put(event(lambda _: heard.append("noisy")))
    quiet.put(event(lambda _: heard.append("quiet")))
    await until(lambda: "quiet" in heard)
    assert heard.index("quiet") <= 16


@given(
    names=st.lists(st.sampled_from(["MESSAGE_CREATE", "GUILD_DELETE", *sorted(PRESENCE_LIKE)]), max_size=60)
)
def test_a_full_lane_drops_presence_like_events_first_and_counts_every_drop(names: list[str]) -> None:
    async def fill() -> None:
        full = lane(capacity=10)
        full.hold()
        for number, name in enumerate(names):
            full.put(event(name=name, sequence=number))
        status = full.status()
        kept = [e.name for e in (*full._events, *full._lesser)]
        important = [name for name in names if name not in PRESENCE_LIKE]

        assert status.waiting == len(kept) == min(10, len(names))
        assert sum(status.dropped.values()) == len(names) - len(kept)
        kept_important = [name for name in kept if name not in PRESENCE_LIKE]
        assert kept_important == important[-10:], "none is lost while a lesser one is kept, newest stay"

    asyncio.run(fill())


async def test_a_failing_listener_is_counted_and_stops_nothing() -> None:
    heard: list[str] = []

    def broken(_: RawEvent) -> None:
        raise ValueError("a listener's mistake")

    async def breaks() -> None:
        raise ValueError("an action's mistake")

    one = lane()
    one.put(event(broken, lambda _: heard.append("same event")))
    one.put(event(lambda _: breaks()))
    one.put(event(lambda _: heard.append("next event")))
    await until(lambda: len(heard) == 2 and one.status().failed == {"MESSAGE_CREATE": 2})


async def test_one_bots_slow_actions_hold_up_that_bot_alone() -> None:
    queue, heard = FairQueue(), list[str]()
    slow, other = lane(queue), lane(queue)
    release = asyncio.Event()

    async def wait() -> None:
        await release.wait()

    def act(_: RawEvent) -> Coroutine[Any, Any, None]:
        return wait()

    for _ in range(40):
        slow.put(event(act))
    other.put(event(lambda _: heard.append("other")))
    await until(lambda: heard == ["other"])
    assert slow.status().running == 16
    assert slow.status().waiting == 24
    assert not slow.is_behind, "a reader that waited for it would wait in vain"
    release.set()
    await until(lambda: slow.status().handled == 40 and not slow.status().running)


async def test_a_reader_is_asked_to_wait_only_while_the_lane_moves() -> None:
    one = lane(capacity=10)
    for _ in range(6):
        one.put(event())
    assert one.is_behind
    one.hold()
    assert not one.is_behind
    one.resume()
    await until(lambda: not one.is_behind)


async def test_a_held_lane_keeps_its_events_for_later() -> None:
    queue, heard = FairQueue(), list[int]()
    one, other = lane(queue), lane(queue)
    one.hold()
    one.put(event(lambda e: heard.append(e.sequence), sequence=1))
    other.put(event(lambda e: heard.append(e.sequence), sequence=2))
    await until(lambda: heard)
    assert heard == [2]
    one.resume()
    await until(lambda: heard == [2, 1])


async def test_what_waits_or_runs_counts_as_unfinished() -> None:
    release = asyncio.Event()

    async def wait() -> None:
        await release.wait()

    one = lane()
    one.put(event(lambda _: wait(), sequence=5))
    one.put(event(lambda _: None, sequence=6))
    await until(lambda: one.status().running == 1 and not one.status().waiting)
    assert one.unfinished_from(0) == 5
    assert one.unfinished_from(1) is None, "another session's numbers say nothing"
    one.hold()
    one.put(event(sequence=7))
    release.set()
    await until(lambda: not one.status().running)
    assert one.unfinished_from(0) == 7


async def test_draining_finishes_what_waits_and_takes_nothing_more() -> None:
    queue, heard = FairQueue(), list[int]()
    one, other = lane(queue), lane(queue)
    for number in range(30):
        one.put(event(lambda e: heard.append(e.sequence), sequence=number))
    await one.drain(within=60)
    one.put(event(lambda e: heard.append(e.sequence), sequence=99))
    other.put(event(lambda e: heard.append(e.sequence), sequence=30))
    await until(lambda: 30 in heard)
    assert heard == list(range(31))
    assert one.unfinished_from(0) is None


async def test_what_draining_cannot_finish_stays_unfinished() -> None:
    cancelled = asyncio.Event()

    async def never() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    one = lane()
    one.put(event(lambda _: never(), sequence=3))
    one.put(event(sequence=4))
    await until(lambda: one.status().running == 1)
    await one.drain(within=0)
    assert cancelled.is_set()
    assert one.unfinished_from(0) == 3
