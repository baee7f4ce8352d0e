"""The bots that burn the shared budget are barred before the others, and let in again when it recovers."""

from uuid import UUID, uuid4

import pytest

from astero_bot_engine.dispatch.invalid_budget import HALTED, QUARANTINED, InvalidBudget


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(clock: Clock) -> InvalidBudget:
    return InvalidBudget(limit=100, clock=clock)


def burn(budget: InvalidBudget, bot_id: UUID | None, count: int, *, status: int = 403) -> None:
    for _ in range(count):
        budget.record(bot_id, status=status, scope=None)


@pytest.mark.parametrize("status", [401, 403, 429])
def test_refusals_count(budget: InvalidBudget, status: int) -> None:
    burn(budget, None, 1, status=status)
    assert budget.total == 1


@pytest.mark.parametrize("status", [200, 204, 400, 404, 500])
def test_other_answers_do_not(budget: InvalidBudget, status: int) -> None:
    burn(budget, None, 1, status=status)
    assert budget.total == 0


def test_a_shared_limit_does_not_count(budget: InvalidBudget) -> None:
    budget.record(None, status=429, scope="shared")
    budget.record(None, status=429, scope="user")
    assert budget.total == 1


def test_the_burner_is_barred_and_the_others_are_not(budget: InvalidBudget) -> None:
    burner, other = uuid4(), uuid4()
    burn(budget, other, 5)
    burn(budget, burner, 74)
    assert budget.bar(burner) is None
    burn(budget, burner, 1)
    assert budget.bar(burner) == QUARANTINED
    assert budget.bar(other) is None


def test_among_several_burners_the_worst_go_first(budget: InvalidBudget) -> None:
    worst, bad, small = uuid4(), uuid4(), uuid4()
    burn(budget, small, 10)
    burn(budget, bad, 30)
    burn(budget, worst, 40)
    assert budget.bar(worst) == QUARANTINED
    assert budget.bar(bad) == QUARANTINED
    assert budget.bar(small) is None


def test_near_the_limit_everybody_waits(budget: InvalidBudget) -> None:
    burn(budget, uuid4(), 95)
    assert budget.bar(uuid4()) == HALTED


def test_ten_minutes_later_all_is_forgotten(budget: InvalidBudget, clock: Clock) -> None:
    burner = uuid4()
    burn(budget, burner, 96)
    clock.now += 599
    assert budget.bar(burner) == QUARANTINED
    clock.now += 1
    assert budget.bar(burner) is None
    assert (budget.total, budget.of(burner)) == (0, 0)


def test_the_window_slides(budget: InvalidBudget, clock: Clock) -> None:
    bot_id = uuid4()
    burn(budget, bot_id, 40)
    clock.now += 300
    burn(budget, bot_id, 30)
    clock.now += 300
    assert budget.of(bot_id) == 30
