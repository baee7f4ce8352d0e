"""Counting calls, telling time from an id, and what the log keeps to itself."""

import orjson
import pytest

from astero_sandbox.discord.models import Channel, Message, Snapshot
from astero_sandbox.discord.rest.rate_limits import Bucket, RateLimits, Verdict
from astero_sandbox.discord.snowflakes import SnowflakeClock, iso, timestamp_of
from astero_sandbox.discord.traffic import CAPACITY, TrafficLog
from astero_sandbox.discord.world import World

BUCKET = Bucket("POST /x", 3, 60.0)


def take(limits: RateLimits, major: str = "1", *, caller: object = "bot") -> Verdict:
    return limits.take(caller=caller, bucket=BUCKET, major=major, counts_globally=False)


def test_a_bucket_is_counted_apart_for_each_caller_and_channel() -> None:
    limits = RateLimits(enforce=True)
    assert [take(limits).retry_after is None for _ in range(4)] == [True, True, True, False]
    assert take(limits, "2").retry_after is None
    assert take(limits, caller="other").retry_after is None


def test_without_enforcement_the_headers_stay_and_nothing_is_refused() -> None:
    limits = RateLimits(enforce=False)
    verdicts = [take(limits) for _ in range(5)]
    assert [verdict.remaining for verdict in verdicts] == [2, 1, 0, 0, 0]
    assert all(verdict.retry_after is None for verdict in verdicts)


def test_forgiving_forgets_every_count() -> None:
    limits = RateLimits(enforce=True)
    for _ in range(4):
        take(limits)
    limits.count_invalid("127.0.0.1")
    limits.forgive()
    assert take(limits).remaining == 2
    assert limits.invalid_requests() == {}


def test_ten_thousand_invalid_requests_ban_the_address() -> None:
    limits = RateLimits(enforce=True)
    for _ in range(9_999):
        limits.count_invalid("203.0.113.1")
    assert not limits.is_banned("203.0.113.1")
    limits.count_invalid("203.0.113.1")
    assert limits.is_banned("203.0.113.1")
    assert not limits.is_banned("203.0.113.2")


def test_ids_never_repeat_and_continue_after_saved_ones() -> None:
    clock = SnowflakeClock()
    made = [clock.next_id() for _ in range(10_000)]
    assert made == sorted(set(made))
    saved = made[-1] + (1 << 50)
    clock.continue_after(saved)
    assert clock.next_id() == saved + 1


def test_a_world_goes_on_counting_after_everything_it_was_saved_with() -> None:
    far = SnowflakeClock().next_id() + (1 << 60)
    saved = Channel(id=1, messages={far: Message(id=far, channel_id=1, author_id=1)})
    world = World(Snapshot(channels={1: saved}))
    assert world.ids.next_id() == far + 1


def test_an_id_tells_its_time() -> None:
    # The example of Discord's own reference.
    assert iso(timestamp_of(175928847299117063)) == "2016-04-30T11:18:25.796000+00:00"


@pytest.mark.parametrize(
    "body",
    [
        {"op": 2, "d": {"token": "secret-value"}},
        {"client_secret": "secret-value"},
        {"list": [{"refresh_token": "secret-value"}]},
        {"text": "see MTIzNDU2Nzg5MDEyMzQ1Njc4.abcdef.secret-value-secret-value-secret"},
    ],
)
def test_no_token_leaves_the_log(body: dict[str, object]) -> None:
    log = TrafficLog()
    for direction in ("in", "out"):
        log.gateway(direction, application_id=1, op=0, body=orjson.dumps(body))
    log.rest(application_id=1, method="POST", path="/x", status=200, body=orjson.dumps(body))
    entries, _ = log.since(0)
    text = orjson.dumps(entries)
    assert b"secret-value" not in text
    assert text.count(b"***") == 3


def test_the_log_is_a_ring_that_is_read_on_from_where_one_was() -> None:
    log = TrafficLog()
    for _ in range(CAPACITY + 5):
        log.gateway("in", application_id=None, op=1)
    entries, following = log.since(0, limit=10)
    assert [entry["n"] for entry in entries] == list(range(6, 16))
    assert following == 16
    rest, end = log.since(CAPACITY)
    assert len(rest) == 6
    assert log.since(end) == ([], end)
