"""What errors say, and in which language."""

import ast
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from astero_api.web.context import RequestContext
from astero_api.web.language import language_of
from astero_api.web.problems import FieldProblem, FieldsInvalidError, problem_for
from astero_shared.errors import AsteroError, ConflictError, NotFoundError
from astero_shared.i18n import catalogue

ROOT = Path(__file__).parents[3]
CONTEXT = RequestContext(request_id="01a20938-5afd-76e5-b3f1-4f9e28a628b5", client_ip="203.0.113.1")


def _kinds(kind: type[AsteroError] = AsteroError) -> Iterator[type[AsteroError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)


def _sentences() -> Iterator[str]:
    for folder in ("services/api", "libs/shared"):
        for source in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def test_every_translated_sentence_is_one_the_code_says() -> None:
    said = set(_sentences())
    composed = {"errors.accounts.password_length", "errors.request.too_deep"}
    translated = {
        key: entry.other
        for key, entry in catalogue("en").items()
        if key.startswith("errors.") and not key.startswith(("errors.fields.", "errors.titles."))
    }
    assert {key for key, sentence in translated.items() if sentence not in said} == composed


def _names(status: int) -> set[str]:
    """RFC 9110 renamed two statuses; Python follows it from 3.13 on."""
    renamed = {413: "Request Entity Too Large", 422: "Unprocessable Entity"}
    return {HTTPStatus(status).phrase, renamed.get(status, HTTPStatus(status).phrase)}


def test_every_status_has_a_title() -> None:
    for kind in set(_kinds()):
        assert f"errors.titles.{kind.status}" in catalogue("fr")
        assert catalogue("en")[f"errors.titles.{kind.status}"].other in _names(kind.status)


def test_a_known_sentence_is_translated_and_a_more_telling_one_is_kept() -> None:
    known, _ = problem_for(NotFoundError("There is no such bot.", code="bots.not_found"), CONTEXT, "fr")
    assert (known.title, known.detail) == ("Introuvable", "Ce bot n’existe pas.")
    telling, _ = problem_for(ConflictError("Bot 7 is gone.", code="bots.not_found"), CONTEXT, "fr")
    assert telling.detail == "Bot 7 is gone."
    english, _ = problem_for(NotFoundError("There is no such bot.", code="bots.not_found"), CONTEXT, "en")
    assert (english.title, english.detail) == ("Not Found", "There is no such bot.")


def test_refused_fields_are_translated_by_their_code() -> None:
    refused = FieldsInvalidError([FieldProblem("/words/1", "Expected str of length >= 1", "too_short")])
    problem, _ = problem_for(refused, CONTEXT, "fr")
    assert problem.errors == (FieldProblem("/words/1", "C’est trop court.", "too_short"),)


def test_an_unexpected_error_says_nothing_of_itself() -> None:
    problem, _ = problem_for(RuntimeError("SELECT * FROM users"), CONTEXT, "en")
    assert problem.status == 500
    assert "users" not in repr(problem)


@pytest.mark.parametrize(
    ("accepted", "locale"),
    [
        (None, "en"),
        (b"fr", "fr"),
        (b"fr-CA, en;q=0.9", "fr"),
        (b"en, fr", "en"),
        (b"de, fr;q=0.8, en;q=0.9", "en"),
        (b"fr;q=0", "en"),
        (b"FR ; q=0.5", "fr"),
        (b"\xff\xfe", "en"),
        (b"fr;q=9", "en"),
        (b"fr," * 1000, "en"),
    ],
)
def test_the_language_is_the_readers_choice(accepted: bytes | None, locale: str) -> None:
    headers = [] if accepted is None else [(b"accept-language", accepted)]
    scope = {"type": "http", "headers": headers}
    assert language_of(scope) == locale  # pyright: ignore[reportArgumentType]
