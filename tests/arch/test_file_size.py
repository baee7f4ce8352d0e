"""Small files with one subject: a long one is split, or says here why it is not."""

from statistics import median

from support.source import ROOT, Source, members, sources

SOURCE_LINES = 300
TEST_LINES = 600
TYPICAL_LINES = 120

# path: the reason
MAY_BE_LONGER = {
    "deploy/migrations/versions/0001_first_house.py": "a released migration is never split",
}


def too_long(source: Source, limit: int) -> bool:
    return source.lines > limit and source.path not in MAY_BE_LONGER


def test_sources_stay_small() -> None:
    assert [f"{s.path}: {s.lines} lines" for s in members() if too_long(s, SOURCE_LINES)] == []


def test_tests_stay_small() -> None:
    assert [f"{s.path}: {s.lines} lines" for s in sources("tests") if too_long(s, TEST_LINES)] == []


def test_the_typical_file_is_read_in_a_minute() -> None:
    assert median(source.lines for source in members() if source.lines > 5) <= TYPICAL_LINES


def test_no_reason_is_kept_for_a_file_that_needs_none() -> None:
    lengths = {path: (ROOT / path).read_text().count("\n") for path in MAY_BE_LONGER}
    assert {path: length for path, length in lengths.items() if length <= SOURCE_LINES} == {}


def test_a_planted_long_file_is_caught() -> None:
    assert too_long(Source("libs/x.py", "x = 1\n" * 301), SOURCE_LINES)
    assert not too_long(Source("libs/x.py", "x = 1\n" * 300), SOURCE_LINES)
