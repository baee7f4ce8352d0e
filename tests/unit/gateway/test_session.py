"""A saved session says what changed, holds nobody but the bot, and folds changes as Discord sent them."""

from typing import Any

import msgspec
from support.feeder import GUILD_ID, OWN_ID, small_guild

from astero_bot_engine.gateway.guild_snapshot import GuildSnapshot, compact, unpack
from astero_bot_engine.gateway.session import SessionRecord


def record() -> SessionRecord:
    session = SessionRecord()
    session.begin(session_id="s", resume_url="wss://resume", intents=1)
    session.add_guild(small_guild(), own_id=str(OWN_ID))
    return session


def note(session: SessionRecord, event: str, **data: Any) -> None:
    session.note(event, msgspec.Raw(msgspec.json.encode({"guild_id": str(GUILD_ID), **data})))


def only_guild(session: SessionRecord) -> dict[str, Any]:
    [guild] = session.guilds()
    return guild


def test_nobody_but_the_bot_is_kept() -> None:
    guild = small_guild()
    guild["members"].append({"user": {"id": "5", "username": "somebody"}, "roles": []})
    guild["presences"] = [{"user": {"id": "5"}, "status": "online"}]
    kept = compact(guild, own_id=str(OWN_ID))

    assert [member["user"]["id"] for member in kept["members"]] == [str(OWN_ID)]
    assert "presences" not in kept
    assert b"somebody" not in msgspec.json.encode(kept)


def test_nothing_is_resumable_before_ready_and_after_invalidation() -> None:
    session = SessionRecord()
    assert session.export() is None
    session = record()
    session.invalidate()
    assert session.export() is None
    assert not session.dirty


def test_an_export_holds_what_changed_since_the_last() -> None:
    session = record()
    session.sequence = 5
    first = session.export()
    assert first is not None
    assert (first.sequence, set(first.guilds)) == (5, {GUILD_ID})
    assert not session.dirty

    session.sequence = 6
    assert session.dirty
    second = session.export()
    assert second is not None
    assert second.guilds == {}
    whole = session.export(everything=True)
    assert whole is not None
    assert set(whole.guilds) == {GUILD_ID}


def test_what_is_unfinished_counts_as_not_received() -> None:
    session = record()
    session.sequence = 9
    saved = session.export(before=4)
    assert saved is not None
    assert saved.sequence == 3
    assert session.dirty, "it has to be saved again when the rest is finished"


def test_ready_is_never_heard_again() -> None:
    """Its list of guilds is that of then: one that was joined since would pass for one that was left."""
    session = record()
    session.sequence = 9
    assert session.export(before=1) is None
    saved = session.export(before=2)
    assert saved is not None
    assert set(saved.guilds) == {GUILD_ID}, "what was not exported is still to come"


def test_a_guild_that_left_is_told() -> None:
    session = record()
    session.drop_guild(GUILD_ID)
    saved = session.export()
    assert saved is not None
    assert saved.gone == {GUILD_ID}


def test_another_process_starts_from_what_was_saved() -> None:
    session = record()
    session.sequence = 3
    taken = SessionRecord(session.export())
    assert taken.resumable
    assert not taken.dirty
    assert taken.guilds() == session.guilds()


def test_changes_are_folded_in_their_order() -> None:
    session = record()
    note(session, "CHANNEL_CREATE", id="1", type=0, name="new")
    note(session, "CHANNEL_UPDATE", id="1", type=0, name="renamed")
    note(session, "GUILD_ROLE_CREATE", role={"id": "2", "name": "helpers"})
    note(session, "GUILD_ROLE_DELETE", role_id=str(GUILD_ID + 3))
    note(session, "THREAD_CREATE", id="4", type=11, name="thread")
    note(session, "THREAD_DELETE", id="4", type=11)
    session.note("GUILD_UPDATE", msgspec.Raw(msgspec.json.encode({"id": str(GUILD_ID), "name": "Reef"})))
    session.note_own_member(
        GUILD_ID, msgspec.Raw(msgspec.json.encode({"user": {"id": str(OWN_ID)}, "roles": ["2"]}))
    )
    guild = only_guild(session)

    assert guild["name"] == "Reef"
    assert [c["name"] for c in guild["channels"] if c["id"] == "1"] == ["renamed"]
    assert {"id": "2", "name": "helpers"} in guild["roles"]
    assert str(GUILD_ID + 3) not in {role["id"] for role in guild["roles"]}
    assert guild["threads"] == []
    assert guild["members"][0]["roles"] == ["2"]


def test_a_flood_of_changes_does_not_grow() -> None:
    snapshot = GuildSnapshot.of(small_guild(), own_id=str(OWN_ID))
    for number in range(1000):
        change = {"guild_id": str(GUILD_ID), "id": "1", "type": 0, "name": f"name {number}"}
        snapshot.change("CHANNEL_UPDATE", msgspec.json.encode(change))
    assert len(snapshot._changes) < 100
    names = [c["name"] for c in unpack(snapshot.packed())["channels"] if c["id"] == "1"]
    assert names == ["name 999"]


def test_changes_of_an_unknown_guild_are_none_of_ours() -> None:
    session = SessionRecord()
    note(session, "CHANNEL_CREATE", id="1", type=0, name="new")
    assert session.guilds() == []
