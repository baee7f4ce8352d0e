"""Where PostgreSQL's files go: a folder that only root could have made, bound to one home."""

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from astero_sandbox import postgres
from astero_sandbox.place import PlaceRefusedError, place_for, remove_orphans
from astero_sandbox.postgres import BIN_VARIABLE, PostgresUnavailableError, prepare
from astero_sandbox.servers import running_postgres

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user keeps its data in its home")


@pytest.fixture
def home() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="astero-home-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)
    remove_orphans()


@only_root
def test_a_folder_that_another_user_planted_is_refused(home: Path) -> None:
    folder = place_for(home, instance="a").folder
    os.chown(folder, 65534, 65534)
    with pytest.raises(PlaceRefusedError, match="only we can write to"):
        place_for(home, instance="a")
    os.chown(folder, 0, 0)


@only_root
def test_a_planted_link_is_refused(home: Path, tmp_path: Path) -> None:
    folder = place_for(home, instance="a").folder
    shutil.rmtree(folder)
    folder.symlink_to(tmp_path)
    with pytest.raises(PlaceRefusedError):
        place_for(home, instance="a")
    folder.unlink()


@only_root
def test_a_home_made_anew_gets_an_empty_place(home: Path) -> None:
    first = place_for(home, instance="a").folder
    (first / "data").mkdir()
    assert (place_for(home, instance="a").folder / "data").exists()
    assert not (place_for(home, instance="b").folder / "data").exists()


@only_root
def test_a_place_goes_when_its_home_is_gone(home: Path) -> None:
    folder = place_for(home, instance="a").folder
    remove_orphans()
    assert folder.exists()
    home.rmdir()
    remove_orphans()
    assert not folder.exists()


def test_data_of_another_version_is_refused_with_a_way_out(home: Path) -> None:
    place = place_for(home, instance="a")
    (place.folder / "data").mkdir()
    (place.folder / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(PostgresUnavailableError, match=f"PostgreSQL 9, the server found is .*{BIN_VARIABLE}"):
        prepare(place, port=1, password="x", durable=False, stopping=threading.Event())


def test_a_chosen_folder_without_a_server_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(BIN_VARIABLE, str(tmp_path))
    with pytest.raises(PostgresUnavailableError, match=BIN_VARIABLE):
        postgres.find_binaries()


def test_any_folder_of_binaries_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not installed:
        pytest.skip("no PostgreSQL of the distribution here")
    monkeypatch.setenv(BIN_VARIABLE, str(installed[-1].parent))
    with running_postgres() as handle, psycopg.connect(handle.server.url()) as connection:
        answer = connection.execute("SHOW server_version").fetchone()
    assert answer is not None
    assert answer[0].split(".")[0] == installed[-1].parents[1].name
