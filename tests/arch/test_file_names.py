"""A module is named for its subject, and inside a slice with the fixed words."""

from pathlib import PurePosixPath

from support.source import members, sources

WORTHLESS = {
    "base", "common", "core", "helper", "helpers", "lib", "manager", "managers", "misc", "tools", "util",
    "utils",
}  # fmt: skip

SLICE_WORDS = {
    "routes", "schemas", "service", "jobs", "config", "tables", "rules", "store", "listeners", "commands",
    "views",
}  # fmt: skip

# slice: further words, where its subject has parts of its own
FURTHER_WORDS = {
    "automod": {  # one pure part of its rules each
        "caps", "domains", "emoji", "invites", "links", "lookalikes", "patterns", "readings", "words",
        "catch_up", "floods", "messages", "standing",  # what the engine reads of messages and their author
    },
    "accounts": {  # hashing in its own pool; one way in which an account changes each
        "links", "new_passwords", "passwords", "profile", "verification",
    },
    "bots": {"discord_check", "rendering"},  # asking Discord first, showing what is known last
    "discord_accounts": {"managed_servers", "oauth", "pending", "sealing"},  # Discord's side, one step each
    "cases": {"actions", "askers", "log_channel", "notices", "outstanding", "rounds"},  # step by step
    "fleet": {"reading"},  # the statement of readiness
    "passkeys": {"ceremony"},  # what a browser signs, and what of it counts
    "mfa": {"enrolment", "recovery"},  # switching it on and off, the codes on paper
    "modules": {  # one definition and its faces
        "catalog", "fields", "options", "patches", "reading", "rendering", "schema",
    },
    "sessions": {  # one way it begins, goes on or ends each
        "attempts", "browser", "devices", "logout", "reauthentication", "refresh", "standing", "tokens",
    },
    "webhooks": {"deliveries", "events", "outbox", "sending"},  # what is told, and its way out
}  # fmt: skip


def worthless(path: str) -> bool:
    return not WORTHLESS.isdisjoint(PurePosixPath(path).with_suffix("").parts)


def unknown_word(path: str) -> bool:
    parts = PurePosixPath(path).with_suffix("").parts
    if "features" not in parts or len(parts) < parts.index("features") + 3:
        return False
    slice_, *rest = parts[parts.index("features") + 1 :]
    return not {"__init__", *SLICE_WORDS, *FURTHER_WORDS.get(slice_, ())}.issuperset(rest)


def test_no_file_is_named_for_nothing() -> None:
    assert [source.path for source in sources() if worthless(source.path)] == []


def test_slices_use_the_fixed_words() -> None:
    assert [source.path for source in members() if unknown_word(source.path)] == []


def test_no_further_word_is_kept_that_nobody_uses() -> None:
    used = {(PurePosixPath(s.path).parent.name, s.name) for s in members()}
    further = {(slice_, word) for slice_, words in FURTHER_WORDS.items() for word in words}
    assert further - used == set()


def test_planted_names_are_caught() -> None:
    assert worthless("services/api/astero_api/web/utils.py")
    assert worthless("libs/shared/astero_shared/helpers/x.py")
    assert not worthless("services/api/astero_api/web/gate.py")
    assert unknown_word("services/api/astero_api/features/bots/handlers.py")
    assert unknown_word("services/api/astero_api/features/bots/service/extra.py")
    assert not unknown_word("services/api/astero_api/features/bots/routes.py")
    assert not unknown_word("services/api/astero_api/web/handlers.py")
