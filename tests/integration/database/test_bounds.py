"""What the database takes is what the schemas take: their bounds are the same numbers."""

import re
from typing import Any

import psycopg
from msgspec import inspect
from support.stack import Database

from astero_api.features.accounts.schemas import DisplayName, Email
from astero_api.features.bots.schemas import BotName
from astero_api.features.cases.schemas import Note, Reason
from astero_api.features.passkeys.schemas import Name
from astero_api.features.webhooks.schemas import Description
from astero_shared.features.cases.rules import CaseAction
from astero_shared.features.webhooks.rules import MAX_ANSWER, DisabledReason
from astero_shared.i18n import LOCALES
from astero_shared.outbound.urls import MAX_URL

LENGTHS: dict[tuple[str, str], Any] = {
    ("users", "email"): Email,
    ("users", "display_name"): DisplayName,
    ("bots", "name"): BotName,
    ("passkeys", "name"): Name,
    ("cases", "reason"): Reason,
    ("cases", "internal_note"): Note,
    ("webhooks", "description"): Description,
    # no field of a body, or one whose length is refused with the rest of it
    ("webhooks", "url"): (0, MAX_URL),
    ("webhook_deliveries", "answer"): (0, MAX_ANSWER),
    ("bot_tokens", "last4"): (4, 4),
}
CHOICES: dict[tuple[str, str], set[str]] = {
    ("users", "locale"): set(LOCALES),
    ("cases", "action"): {action.value for action in CaseAction},
    ("webhooks", "disabled_reason"): {reason.value for reason in DisabledReason},
}
_CHECKS = """
SELECT conrelid::regclass::text, attname, pg_get_constraintdef(pg_constraint.oid)
FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
WHERE contype = 'c' AND connamespace = 'public'::regnamespace AND cardinality(conkey) = 1
"""
_LENGTH = re.compile(r"\(length\((?P<column>\w+)\) (?P<sign><=|>=|=) (?P<number>\d+)\)")


def checks(database: Database) -> list[tuple[str, str, str]]:
    with psycopg.connect(database.admin) as connection:
        return list(connection.execute(_CHECKS))


def shortest_and_longest(check: str) -> tuple[int, int] | None:
    bounds = {found["sign"]: int(found["number"]) for found in _LENGTH.finditer(check)}
    exactly = bounds.get("=")
    longest = bounds.get("<=", exactly)
    return None if longest is None else (bounds.get(">=", exactly or 0), longest)


def asked_for(kind: Any) -> tuple[int, int]:
    if isinstance(kind, tuple):
        return kind
    told = inspect.type_info(kind)
    told = told.type if isinstance(told, inspect.Metadata) else told
    assert isinstance(told, inspect.StrType)
    assert told.max_length is not None
    return told.min_length or 0, told.max_length


def test_texts_are_as_long_in_the_schemas_as_in_the_database(database: Database) -> None:
    found = {
        (table, column): bounds
        for table, column, check in checks(database)
        if (bounds := shortest_and_longest(check)) is not None
    }
    wanted = {place: asked_for(kind) for place, kind in LENGTHS.items()}
    # the least of an address is its form, which is no matter of length
    wanted["users", "email"] = (0, wanted["users", "email"][1])
    assert found == wanted


def test_choices_are_those_of_the_code(database: Database) -> None:
    found = {
        (table, column): set(re.findall(r"'([^']*)'::text", check))
        for table, column, check in checks(database)
        if (table, column) in CHOICES
    }
    assert found == CHOICES
