"""What docs/webhooks.md tells consumers is so: its code verifies what we send, its table names every kind."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.source import ROOT

from astero_shared.clock import utc_now
from astero_shared.crypto.signatures import new_webhook_secret, shown_secret, signed_headers
from astero_shared.features.cases.rules import CaseAction
from astero_shared.features.webhooks.events import TEST_KIND, CaseOpened, EventData, EventKind
from astero_shared.features.webhooks.rules import DELAYS

PAGE = Path(ROOT / "docs" / "webhooks.md").read_text()
SECRET = new_webhook_secret()
BODY = b'{"type": "case.opened"}'

Verify = Callable[[str, dict[str, str], bytes], bool]


@pytest.fixture(scope="module")
def verify() -> Verify:
    (sample,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    found: dict[str, Any] = {}
    exec(compile(sample, "docs/webhooks.md", "exec"), found)  # noqa: S102 - our own page
    return found["verify"]


def headers(*secrets: bytes, seconds: float = 0) -> dict[str, str]:
    at = utc_now() + timedelta(seconds=seconds)
    return signed_headers(secrets or (SECRET,), message_id="msg_1", at=at, body=BODY)


def test_the_sample_believes_what_we_send(verify: Verify) -> None:
    assert verify(shown_secret(SECRET), headers(), BODY)
    assert verify(shown_secret(SECRET), headers(new_webhook_secret(), SECRET), BODY)


@pytest.mark.parametrize(
    ("change", "body"),
    [
        ({}, BODY + b" "),
        ({"webhook-id": "msg_2"}, BODY),
        ({"webhook-timestamp": "0"}, BODY),
        ({"webhook-timestamp": "soon"}, BODY),
        ({"webhook-signature": ""}, BODY),
        ({"webhook-signature": "v1,é \ud800 v2,x"}, BODY),
        ({"webhook-signature": "v1"}, BODY),
    ],
)
def test_the_sample_believes_nobody_else(verify: Verify, change: dict[str, str], body: bytes) -> None:
    assert not verify(shown_secret(SECRET), headers() | change, body)


def test_the_sample_believes_nothing_old_and_nothing_without_headers(verify: Verify) -> None:
    assert not verify(shown_secret(SECRET), headers(seconds=-301), BODY)
    assert not verify(shown_secret(SECRET), headers(seconds=302), BODY)
    assert not verify(shown_secret(new_webhook_secret()), headers(), BODY)
    assert not verify(shown_secret(SECRET), {}, BODY)


def test_the_table_names_every_kind_with_its_fields() -> None:
    rows = dict(re.findall(r"^\| `([a-z.]+)` \|[^|]*\|([^|]*)\|$", PAGE, re.MULTILINE))
    assert rows.keys() == {*EventKind, TEST_KIND}
    for kind in EventData.__subclasses__():
        if kind is not CaseOpened:
            told = {field.encode_name for field in msgspec.structs.fields(kind)}
            assert set(re.findall(r"`(\w+)`", rows[kind.kind])) == told, kind.kind
    assert {kind.kind for kind in EventData.__subclasses__()} == set(EventKind)


def test_the_example_is_a_message_of_its_kind() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    message = msgspec.json.decode(example)
    assert message["type"] == CaseOpened.kind
    for around in ("botId", "guildId", "actor"):
        del message["data"][around]
    fields = {field.encode_name for field in msgspec.structs.fields(CaseOpened)}
    assert message["data"].keys() == fields
    assert msgspec.convert(message["data"], CaseOpened)


def test_the_words_of_a_case_are_all_told() -> None:
    sentence = re.search(r"`action` is one of (.*?), `source` one of", PAGE, re.DOTALL)
    assert sentence is not None
    assert re.findall(r"`(\w+)`", sentence[1]) == [action.value for action in CaseAction]


def test_the_schedule_is_told_as_it_is() -> None:
    units = {"s": 1, "min": 60, "h": 3600}
    sentence = re.search(r"again after (.*?), give or take", PAGE, re.DOTALL)
    assert sentence is not None
    told = [int(n) * units[unit] for n, unit in re.findall(r"([0-9]+) (s|min|h)\b", sentence[1])]
    assert told == [delay.total_seconds() for delay in DELAYS[1:]]
