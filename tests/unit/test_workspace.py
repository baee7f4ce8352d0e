"""The workspace itself: what every other test takes for granted."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_requirements_name_no_address() -> None:
    for file in sorted((ROOT / "requirements").glob("*.txt")):
        text = file.read_text()
        assert "://" not in text, f"{file.name} names a registry: run `just lock`"
        assert "--hash=sha256:" in text, f"{file.name} has no hashes: run `just lock`"


def test_every_member_is_typed_and_private() -> None:
    workspace = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["workspace"]
    for member in workspace["members"]:
        project = tomllib.loads((ROOT / member / "pyproject.toml").read_text())["project"]
        package = ROOT / member / project["name"].replace("-", "_")
        assert (package / "py.typed").exists(), f"{member} needs a py.typed marker"
        assert "Private :: Do Not Upload" in project["classifiers"]
