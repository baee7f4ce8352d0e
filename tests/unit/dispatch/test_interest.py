"""Only the listeners of modules that work in a guild are found for its events."""

from hypothesis import given
from hypothesis import strategies as st

from astero_bot_engine.dispatch.events import RawEvent
from astero_bot_engine.dispatch.interest import Interest
from astero_bot_engine.dispatch.listeners import Listeners

MODULES = ("automod", "logs", "greetings")
EVENTS = ("MESSAGE_CREATE", "MESSAGE_UPDATE", "GUILD_MEMBER_ADD")


def listener(_: RawEvent) -> None:
    """Never called here."""


def registry() -> Listeners:
    listeners = Listeners()
    listeners.when_active("automod", "MESSAGE_CREATE", listener)
    listeners.when_active("automod", "MESSAGE_UPDATE", listener)
    listeners.when_active("logs", "MESSAGE_UPDATE", listener)
    listeners.when_active("greetings", "GUILD_MEMBER_ADD", listener)
    return listeners


changes = st.lists(st.tuples(st.integers(1, 4), st.sets(st.sampled_from(MODULES))), max_size=20)


@given(changes=changes)
def test_the_last_word_about_each_guild_counts(changes: list[tuple[int, set[str]]]) -> None:
    listeners = registry()
    interest = Interest(listeners)
    for guild_id, active in changes:
        interest.set_modules(guild_id, active)
    last = dict(changes)
    for guild_id in range(1, 5):
        wanted = listeners.of_modules(frozenset(last.get(guild_id, set())))
        for event in EVENTS:
            assert interest.by_event.get(event, {}).get(str(guild_id)) == wanted.get(event)
    assert all(interest.by_event.values()), "an event nobody wants costs one look-up"


def test_a_module_without_listeners_wants_nothing() -> None:
    interest = Interest(registry())
    interest.set_modules(1, ["cases"])
    assert interest.by_event == {}


def test_two_modules_of_one_event_are_both_called_where_both_work() -> None:
    listeners = registry()
    interest = Interest(listeners)
    interest.set_modules(1, ["automod", "logs"])
    interest.set_modules(2, ["logs"])
    assert len(interest.by_event["MESSAGE_UPDATE"]["1"]) == 2
    assert len(interest.by_event["MESSAGE_UPDATE"]["2"]) == 1


def test_a_guild_that_left_is_forgotten() -> None:
    interest = Interest(registry())
    interest.set_modules(1, MODULES)
    interest.drop_guild(1)
    assert interest.by_event == {}
