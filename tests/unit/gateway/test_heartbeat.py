"""Beats are jittered, spaced by the interval, and stop where nobody answers."""

import asyncio
import random

from astero_bot_engine.gateway.heartbeat import HeartbeatScheduler, Pulse


class Line:
    """A connection that remembers when it was beaten and answers if it is told to."""

    def __init__(self, *, answers: bool) -> None:
        self.answers = answers
        self.pulse: Pulse
        self.beats = 0
        self.beaten = asyncio.Event()
        self.dead = asyncio.Event()

    async def beat(self) -> None:
        self.beats += 1
        self.beaten.set()
        if self.answers:
            self.pulse.acknowledge(asyncio.get_running_loop().time())

    async def declare_dead(self) -> None:
        self.dead.set()


class Half(random.Random):
    def random(self) -> float:
        return 0.5


async def test_the_first_beat_is_jittered_and_the_timer_is_armed_for_the_earliest() -> None:
    scheduler = HeartbeatScheduler(rng=Half())
    slow, quick = Line(answers=True), Line(answers=True)
    slow.pulse = scheduler.start(slow, interval=600)
    quick.pulse = scheduler.start(quick, interval=0.02)
    await quick.beaten.wait()

    assert slow.beats == 0
    assert quick.pulse.latency is not None
    assert len(scheduler) == 2
    scheduler.close()


async def test_an_unanswered_beat_on_a_silent_line_means_death_at_the_next() -> None:
    scheduler = HeartbeatScheduler(rng=Half())
    line = Line(answers=False)
    line.pulse = scheduler.start(line, interval=0.01)
    await line.dead.wait()

    assert line.beats == 1
    assert len(scheduler) == 0


async def test_a_line_that_still_delivers_gets_one_beat_of_grace() -> None:
    scheduler = HeartbeatScheduler(rng=Half())
    line = Line(answers=False)
    line.pulse = scheduler.start(line, interval=0.01)
    await line.beaten.wait()
    line.pulse.heard = True  # a flood: the acknowledgement is still behind it
    await line.dead.wait()

    assert line.beats == 2


async def test_a_stopped_pulse_is_never_beaten() -> None:
    scheduler = HeartbeatScheduler(rng=Half())
    stopped, going = Line(answers=True), Line(answers=True)
    stopped.pulse = scheduler.start(stopped, interval=0.01)
    going.pulse = scheduler.start(going, interval=0.02)
    scheduler.stop(stopped.pulse)
    await going.beaten.wait()

    assert stopped.beats == 0
    scheduler.close()


async def test_pulses_of_ended_connections_do_not_pile_up() -> None:
    scheduler = HeartbeatScheduler()
    for _ in range(1000):
        line = Line(answers=True)
        scheduler.stop(scheduler.start(line, interval=1000))
    assert len(scheduler._heap) <= 64
    scheduler.close()
