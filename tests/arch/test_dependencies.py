"""What a member imports it declares, and what it declares it imports."""

import ast
import re
import sys
import tomllib
from collections.abc import Mapping
from importlib.metadata import packages_distributions

import pytest
from support.source import ROOT, sources

# Declared and never imported, because something else reaches for it.
NEEDED_UNSEEN: Mapping[str, Mapping[str, str]] = {
    "libs/shared": {},
    "libs/sandbox": {},
    "services/api": {},
    "services/bot_engine": {"orjson": "discord.py reads and writes JSON with it where it is installed"},
    "deploy/ops": {},
}
# Folders that run with a member and lie outside it.
_ALONGSIDE = {"deploy/ops": ("deploy/migrations",)}
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_MEMBERS: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["workspace"][
    "members"
]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(member: str) -> set[str]:
    project = tomllib.loads((ROOT / member / "pyproject.toml").read_text())["project"]
    found = (_NAME.match(requirement) for requirement in project["dependencies"])
    return {normal(match[0]) for match in found if match is not None}


def imported(member: str) -> set[str]:
    """The distributions that `member` imports from, itself and the standard library left out."""
    own = member.rsplit("/", 1)[-1]
    modules: set[str] = set()
    for source in sources(member, *_ALONGSIDE.get(member, ())):
        modules |= modules_of(source.tree)
    providers = packages_distributions()
    return {
        normal(provider)
        for module in modules - sys.stdlib_module_names - {f"astero_{own}"}
        for provider in providers.get(module, [module])
    }


def modules_of(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found |= {name.name.partition(".")[0] for name in names}
            case ast.ImportFrom(module=str(module), level=0):
                found.add(module.partition(".")[0])
            case _:
                pass
    return found


@pytest.mark.parametrize("member", _MEMBERS)
def test_what_is_imported_is_declared(member: str) -> None:
    assert imported(member) - declared(member) == set()


@pytest.mark.parametrize("member", _MEMBERS)
def test_what_is_declared_is_imported(member: str) -> None:
    assert declared(member) - imported(member) == NEEDED_UNSEEN[member].keys()


def test_planted_imports_are_seen() -> None:
    text = "import json\nfrom redis.asyncio import Redis\n\ndef f():\n    import yarl.x\n# from a import b\n"
    assert modules_of(ast.parse(text)) == {"json", "redis", "yarl"}
    assert normal("Discord.PY") == "discord-py"
