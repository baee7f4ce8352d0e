"""Tenant data is asked for by somebody for something: scope first, and nobody below the edge commits."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from support.source import Source, members

TENANT_SLICES = {"bots", "cases", "installations", "modules", "webhooks"}
_SCOPES = {"Actor", "BotScope", "GuildScope"}

# function: why it takes no scope
WITHOUT_SCOPE = {
    "bots.insert_bot": "the row names its owner",
    "bots.find_engine_url": "where a bot runs is no tenant's data",
    "installations.list_to_leave": "the engine asks for the bots it holds",
    "installations.list_expired": "the purge works for everybody",
    "installations.purge": "as list_expired; the owner's function checks the deadline",
    "installations.retire_unjoined": "as list_expired",
    "modules.list_active_revisions": "the engine asks for the bots it holds",
    "cases.check_fence": "asks for the lease, not for a case",
    "cases.update_case": "takes the row that get_case gave for a scope",
}

# path: why it may end a transaction
MAY_COMMIT = {
    "deploy/ops/astero_ops/migrate/apply.py": "the operator's command is its own edge",
}


def without_scope(source: Source) -> Iterator[str]:
    slice_ = PurePosixPath(source.path).parent.name
    for node in source.tree.body:
        if not isinstance(node, ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        annotations = [argument.annotation for argument in node.args.args]
        first, second = [*annotations, None, None][:2]
        named = {name.id for name in ast.walk(second) if isinstance(name, ast.Name)} if second else set[str]()
        if getattr(first, "id", "") != "AsyncSession" or named.isdisjoint(_SCOPES):
            yield f"{slice_}.{node.name}"


def commits(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="commit" | "rollback")):
                yield f"{source.path}:{node.lineno}"
            case _:
                pass


def test_stores_of_tenant_data_take_the_scope_first() -> None:
    stores = [
        source
        for source in members()
        if source.name == "store" and PurePosixPath(source.path).parent.name in TENANT_SLICES
    ]
    assert len(stores) == len(TENANT_SLICES)
    found = {name for source in stores for name in without_scope(source)}
    assert found - WITHOUT_SCOPE.keys() == set(), "takes no scope and no reason is given"
    assert WITHOUT_SCOPE.keys() - found == set(), "the reason is no longer needed"


def test_transactions_end_where_they_began() -> None:
    found = {place.rpartition(":")[0] for source in members() for place in commits(source)}
    assert found - MAY_COMMIT.keys() == set()


def test_planted_functions_are_caught() -> None:
    planted = """
async def get_bot(session: AsyncSession, bot_id: UUID) -> Bot: ...
async def get_case(scope: GuildScope, number: int) -> Case: ...
async def list_x(session: AsyncSession) -> None: ...
async def fine(session: AsyncSession, scope: BotScope | GuildScope) -> Bot: ...
async def _own(session: AsyncSession) -> None: ...
async def ends(session):
    await session.commit()
"""
    source = Source("libs/shared/astero_shared/features/bots/store.py", planted)
    assert set(without_scope(source)) == {"bots.get_bot", "bots.get_case", "bots.list_x", "bots.ends"}
    assert len(list(commits(source))) == 1
