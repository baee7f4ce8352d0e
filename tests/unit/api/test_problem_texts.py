"""What errors say, and in which language."""

from collections.abc import Iterator
from http import HTTPStatus

import pytest

from astero_api.web.context import RequestContext
from astero_api.web.language import language_of
from astero_api.web.problems import MalformedError, problem_for
from astero_api.web.refused_fields import FieldsInvalidError, refuse
from astero_shared.errors import AsteroError, NotFoundError
from astero_shared.i18n import catalogue
from astero_shared.problems import FieldProblem

CONTEXT = RequestContext(request_id="01a20938-5afd-76e5-b3f1-4f9e28a628b5", client_ip="203.0.113.1")


def _kinds(kind: type[AsteroError] = AsteroError) -> Iterator[type[AsteroError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)


def _names(status: int) -> set[str]:
    """RFC 9110 renamed two statuses; Python follows it from 3.13 on."""
    renamed = {413: "Request Entity Too Large", 422: "Unprocessable Entity"}
    return {HTTPStatus(status).phrase, renamed.get(status, HTTPStatus(status).phrase)}


def test_every_status_has_a_title() -> None:
    for kind in set(_kinds()):
        assert f"errors.titles.{kind.status}" in catalogue("fr")
        assert catalogue("en")[f"errors.titles.{kind.status}"].other in _names(kind.status)


def test_an_error_speaks_the_readers_language_and_fills_in_its_parameters() -> None:
    french, _ = problem_for(NotFoundError(code="bots.not_found"), CONTEXT, "fr")
    assert (french.title, french.detail) == ("Introuvable", "Ce bot n’existe pas.")
    english, _ = problem_for(NotFoundError(code="cases.not_found", params={"number": 7}), CONTEXT, "en")
    assert (english.title, english.detail) == ("Not Found", "There is no case #7 in this server.")
    telling, _ = problem_for(MalformedError(sentence="request.ended_early"), CONTEXT, "en")
    assert (telling.code, telling.detail) == ("request.malformed", "The body ended early.")


@pytest.mark.parametrize(
    ("said", "code", "english", "french"),
    [
        (
            "Expected `str` of length >= 1",
            "too_short",
            "This is too short: 1 at least.",
            "C’est trop court\u00a0: 1 au moins.",
        ),
        (
            "Expected `array` of length <= 500",
            "too_long",
            "This is too long: 500 at most.",
            "C’est trop long\u00a0: 500 au plus.",
        ),
        (
            "Expected `int` >= -3",
            "too_small",
            "This number is too small: -3 at least.",
            "Ce nombre est trop petit\u00a0: -3 au moins.",
        ),
        (
            "Expected `int | null`, got `str`",
            "type",
            "Expected int | null, not str.",
            "Attendu\u00a0: int | null, et non str.",
        ),
        (
            "Invalid enum value 'hunter2'",
            "not_allowed",
            "Not one of the allowed values.",
            "Cette valeur n’est pas parmi celles qui sont permises.",
        ),
        (
            "Invalid UUID",
            "invalid",
            "This value cannot be used here.",
            "Cette valeur ne peut pas servir ici.",
        ),
    ],
)
def test_a_refused_field_is_explained_in_both_languages(
    said: str, code: str, english: str, french: str
) -> None:
    refused = FieldsInvalidError([refuse("/words/1", said)])
    assert problem_for(refused, CONTEXT, "en")[0].errors == (FieldProblem("/words/1", english, code),)
    assert problem_for(refused, CONTEXT, "fr")[0].errors == (FieldProblem("/words/1", french, code),)


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
