"""Schemathesis at the running api: whatever the OpenAPI document allows or forbids is answered as it says.

Somebody signed in asks, whose bot, server, case and webhook exist, so that refusals come from deep inside.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

import httpx
import hypothesis
import pytest
import requests  # noqa: TID251 - schemathesis sends with it
import schemathesis
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Ok
from support import wide_api
from support.api import environment
from support.api_process import running_process
from support.databases import fresh_database
from support.discord_sandbox import running_sandbox
from support.resident import Resident
from support.stack import Database

from astero_api.app import ROUTES
from astero_sandbox.postgres import Postgres
from astero_sandbox.valkey import Valkey

# what browsers send of a page's policy is JSON by another name
schemathesis.serializer.alias(["application/csp-report", "application/reports+json"], "application/json")

OPERATIONS = sorted(route.fn.__name__ for route in ROUTES)
# Of each operation: cases drawn from its schema, cases that break it, and those at every edge of it.
GOOD, BAD, EDGES = 10, 6, 24
_CHECKED = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "negative_data_rejection",
    "unsupported_method",
)  # fmt: skip
# What nobody reaches by drawing values: each asks for a word that was given out, or for one of the sandbox's.
BEYOND_DRAWING = {
    "add_passkey": "takes what an authenticator signed",
    "begin_passkey_second_step": "takes a login that waits for its second factor",
    "change_own_password": "takes a fresh proof and a password nobody guesses",
    "confirm_address": "takes a token that was mailed",
    "confirm_mfa": "takes a code of the enrolled app",
    "disable_mfa": "asks for two-step verification that is on",
    "disconnect_discord": "asks for a Discord account that is connected",
    "finish_discord_sign_in": "takes what Discord's page gave",
    "host_bot": "takes a token that Discord knows",
    "login": "takes the password of an account",
    "make_new_recovery_codes": "asks for two-step verification that is on",
    "put_bot_token": "takes a token that Discord knows",
    "reauthenticate": "takes the password or a code",
    "remove_own_passkey": "asks for a passkey",
    "rename_own_passkey": "asks for a passkey",
    "replay_webhook_delivery": "asks for a delivery that was given up",
    "reset_forgotten_password": "takes a token that was mailed",
    "restore_removed_guild": "asks for a server that was removed",
    "sign_in_with_passkey": "takes what an authenticator signed",
    "start_discord_sign_in": "asks for an application at Discord, which this api has not",
    "verify_email": "takes a token that was mailed",
    "verify_mfa": "takes a login that waits for its code",
}


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


class Fuzzed:
    """The running api, its document, and who asks it."""

    def __init__(self, base_url: str, database: Database) -> None:
        self.base_url = base_url
        self.document = httpx.get(f"{base_url}/api/openapi.json", trust_env=False).json()
        # whether a cookie is there is no part of these cases: the resident's always is
        config = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
        self.schema = schemathesis.openapi.from_dict(self.document, config=config)
        found = [result.ok() for result in self.schema.get_all_operations() if isinstance(result, Ok)]
        self.operations: dict[str, Any] = {
            operation.definition.raw["operationId"]: operation for operation in found
        }
        self.resident = Resident(base_url, database)
        self.resident.move_in()
        self.session = requests.Session()
        self.session.trust_env = False

    def close(self) -> None:
        self.resident.http.close()
        self.session.close()


@pytest.fixture(scope="module")
def fuzzed(postgres_server: Postgres, migrated_template: str, valkey_server: Valkey) -> Iterator[Fuzzed]:
    with (
        fresh_database(postgres_server, template=migrated_template) as name,
        running_sandbox() as discord,
    ):
        database = Database.on(postgres_server, name)
        env = environment(
            database_url=database.api,
            redis_url=valkey_server.url("api"),
            DISCORD_API_URL=f"{discord}/api/v10",
        )
        with running_process(env, program=(wide_api.__file__,)) as process:
            asked = Fuzzed(f"http://127.0.0.1:{process.port}", database)
            with contextlib.closing(asked):
                yield asked


class Judged:
    """One operation under fire: what it answered, and what of that it may not."""

    def __init__(self, fuzzed: Fuzzed, name: str) -> None:
        load_all_checks()
        self._fuzzed = fuzzed
        self._checks: list[Any] = list(CHECKS.get_by_names(list(_CHECKED)))
        self.operation = fuzzed.operations[camel(name)]
        self.asked = 0
        self.statuses: Counter[int] = Counter()
        self.failures: dict[str, str] = {}

    def ask(self, case: Case[Any]) -> None:
        fuzzed, resident = self._fuzzed, self._fuzzed.resident
        self._lead_somewhere(case)
        answer = case.call(base_url=fuzzed.base_url, session=fuzzed.session, headers=resident.headers)
        fuzzed.session.cookies.clear()
        self.asked += 1
        if case.method == self.operation.method.upper():
            self.statuses[answer.status_code] += 1
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
        try:
            case.validate_response(answer, checks=self._checks)
        except FailureGroup as group:
            for failure in group.exceptions:
                kind = f"{type(failure).__name__} {answer.status_code}"
                self.failures.setdefault(kind, f"{failure}\n{case!r}\n{answer.content[:500]!r}")
        if case.method != "GET" and answer.status_code < 300 and not resident.at_home():
            resident.move_in()

    def _lead_somewhere(self, case: Case[Any]) -> None:
        """Three of four paths are the resident's own, where it is not the path that is to be wrong."""
        drawn = None if case.meta is None else case.meta.components.get(ParameterLocation.PATH)
        if (drawn is None or not drawn.mode.is_negative) and self.asked % 4:
            for name in case.path_parameters:
                case.path_parameters[name] = self._fuzzed.resident.places[name]
            if self.asked % 2:
                # a drawn revision is never the present one
                case.headers.pop("If-Match", None)

    def draw(self, mode: GenerationMode, count: int) -> None:
        @hypothesis.seed(20_261_123)
        @hypothesis.settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.filter_too_much],
        )
        @hypothesis.given(self.operation.as_strategy(generation_mode=mode))
        def asked(case: Case[Any]) -> None:
            self.ask(case)

        # an operation that takes nothing cannot be asked wrongly
        with contextlib.suppress(Unsatisfiable):
            asked()

    def walk_the_edges(self, count: int) -> None:
        schema = self._fuzzed.schema
        cases = schema.iter_coverage_cases(
            self.operation,
            generation_modes=list(GenerationMode),
            generation_config=schema.config.generation_for(operation=self.operation),
        )
        for case in islice(cases, count):
            self.ask(case)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_answers_as_documented(fuzzed: Fuzzed, name: str) -> None:
    judged = Judged(fuzzed, name)
    judged.draw(GenerationMode.POSITIVE, GOOD)
    judged.draw(GenerationMode.NEGATIVE, BAD)
    judged.walk_the_edges(EDGES)
    assert judged.failures == {}
    assert max(judged.statuses) < 500
    # luck may reach what drawing is not expected to; what is expected must be reached
    assert name in BEYOND_DRAWING or min(judged.statuses) < 400, judged.statuses


def test_every_operation_is_asked(fuzzed: Fuzzed) -> None:
    documented = {
        operation["operationId"]
        for operations in fuzzed.document["paths"].values()
        for operation in operations.values()
    }
    assert documented == set(fuzzed.operations) == {camel(name) for name in OPERATIONS}
    assert len(documented) == len(OPERATIONS) >= 54
    assert set(OPERATIONS) >= set(BEYOND_DRAWING)


@pytest.mark.parametrize(
    "query",
    [
        "limit=1&limit=2", "limit=1&limit=1", "limit=1.0", "limit=1e1", "limit=%2B1", "limit=+1", "limit=01",
        "limit=1_0", "limit=0x1", "limit=%D9%A1", "limit=null", "limit=true", "limit=", "limit", "limit=1%00",
        "limit=1%0a", "limit=%20", "limit=99999999999999999999", "cursor=%00", "cursor=%c0%80", "cursor=%ff",
        "action=null", "action=NULL", "action=", "action[]=warn", "action=warn&action=ban", "targetId=null",
        "targetId=1e3", "targetId=0", "targetId=-1", "moderatorId=%1b", "moderatorId=%ed%a0%80", "Limit=1",
        "limit=1;action=warn", "limit=1&&", "&", "limit%00=1",
    ],
)  # fmt: skip
def test_a_query_is_written_in_one_way(fuzzed: Fuzzed, query: str) -> None:
    resident = fuzzed.resident
    address = "/api/bots/{botId}/guilds/{guildId}/cases".format_map(resident.places)
    assert resident.http.get(f"{address}?limit=1&action=warn", headers=resident.headers).status_code == 200
    # as bytes: httpx would repair some of them
    url = httpx.URL(f"{fuzzed.base_url}{address}").copy_with(raw_path=f"{address}?{query}".encode())
    answer = resident.http.get(url, headers=resident.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid_fields"), answer.text
    assert answer.json()["errors"]
