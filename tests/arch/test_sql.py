"""SQL is a literal with parameters: no statement is put together from text."""

import ast
from collections.abc import Iterator

from support.source import Source, members

# What takes a statement: SQLAlchemy's and psycopg's calls, alembic's, and what turns text into SQL.
_TAKERS = {
    "text", "execute", "executemany", "exec", "exec_driver_sql", "scalar", "scalars", "stream",
    "stream_scalars", "SQL", "literal_column", "copy", "fetch", "fetchrow", "fetchval",
}  # fmt: skip
# path: why words that are no literals become SQL there. Statements built from text stay forbidden.
MAY_CAST = {
    "deploy/ops/astero_ops/migrate/grants.py": "GRANT takes no parameters; its words are our own file's",
}
_ONLY_LITERALS = {"text", "SQL", "literal_column"}


def built_statements(source: Source) -> Iterator[str]:
    assigned = _assignments(source.tree)
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called not in _TAKERS:
            continue
        statement = node.args[0]
        # `text` names other things too (translations): only SQLAlchemy's own is meant.
        if called == "text" and not _is_sql_text(source, node):
            continue
        unsure = (
            called in _ONLY_LITERALS and source.path not in MAY_CAST and not _is_literal(statement, assigned)
        )
        if unsure or _is_built(statement, assigned):
            yield f"{source.path}:{node.lineno}"


def _assignments(tree: ast.Module) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    if isinstance(target, ast.Name):
                        found.setdefault(target.id, []).append(value)
            case (
                ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                | ast.AugAssign(target=ast.Name(id=name), value=value)
                | ast.NamedExpr(target=ast.Name(id=name), value=value)
            ):
                found.setdefault(name, []).append(_grown(node, value))
            case _:
                pass
    return found


def _grown(node: ast.AST, value: ast.expr) -> ast.expr:
    """`sql += x` builds as much as `sql + x` does."""
    if isinstance(node, ast.AugAssign):
        return ast.BinOp(left=ast.Constant(""), op=node.op, right=value)
    return value


def _is_sql_text(source: Source, call: ast.Call) -> bool:
    if isinstance(call.func, ast.Attribute):
        return getattr(call.func.value, "id", "") in {"sa", "sqlalchemy", "sql"}
    return any(
        isinstance(node, ast.ImportFrom)
        and (node.module or "").partition(".")[0] in {"sqlalchemy", "sqlmodel"}
        and any((alias.asname or alias.name) == "text" for alias in node.names)
        for node in ast.walk(source.tree)
    )


def _is_built(node: ast.expr, assigned: dict[str, list[ast.expr]], depth: int = 0) -> bool:
    match node:
        case ast.JoinedStr():
            return not _is_literal(node, assigned)
        case ast.BinOp(left=left, op=ast.Add() | ast.Mod(), right=right):
            # Two literals side by side are one literal; a column in arithmetic is no text.
            text = any(_holds_text(side, assigned) for side in (left, right))
            return text and not (_is_literal(left, assigned) and _is_literal(right, assigned))
        case ast.Call(func=ast.Attribute(value=owner, attr="format" | "join" | "replace")):
            return _holds_text(owner, assigned)
        case ast.Name(id=name) if depth < 4:
            return any(_is_built(value, assigned, depth + 1) for value in assigned.get(name, ()))
        case ast.IfExp(body=body, orelse=orelse):
            return any(_is_built(side, assigned, depth) for side in (body, orelse))
        case _:
            return False


def _holds_text(node: ast.expr, assigned: dict[str, list[ast.expr]]) -> bool:
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return True
        case ast.BinOp(left=left, right=right):
            return _holds_text(left, assigned) or _holds_text(right, assigned)
        case ast.Name(id=name):
            return any(
                isinstance(value, ast.Constant) and isinstance(value.value, str)
                for value in assigned.get(name, ())
            )
        case _:
            return False


def _is_literal(node: ast.expr, assigned: dict[str, list[ast.expr]]) -> bool:
    match node:
        case ast.Constant(value=str()):
            return True
        case ast.JoinedStr(values=values):
            # A constant put into a constant is a constant.
            inserted = [part.value for part in values if isinstance(part, ast.FormattedValue)]
            return all(isinstance(part, ast.Name) and _is_literal(part, assigned) for part in inserted)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _is_literal(left, assigned) and _is_literal(right, assigned)
        case ast.Name(id=name):
            values = assigned.get(name, [])
            return bool(values) and all(
                isinstance(v, ast.Constant) and isinstance(v.value, str) for v in values
            )
        case _:
            return False


def test_no_statement_is_built_from_text() -> None:
    assert [place for source in members() for place in built_statements(source)] == []


def test_planted_statements_are_caught() -> None:
    planted = """
from sqlalchemy import text
session.execute(f"SELECT * FROM t ORDER BY {order}")
session.execute("SELECT * FROM t WHERE a = '%s'" % a)
session.exec("SELECT " + column)
session.scalar("SELECT {}".format(column))
session.execute(text(order))
text(f"SELECT {a}")
query = f"DELETE FROM {table}"
connection.execute(query)
statement = "SELECT 1"
statement += where
connection.execute(statement)
op.execute(", ".join(parts))
sql.SQL(name)
connection.execute("SELECT a" if x else f"SELECT {b}")
""".strip().splitlines()
    source = Source("x.py", "\n".join(planted) + "\n")
    caught = {int(place.rpartition(":")[2]) for place in built_statements(source)}
    assert caught == {2, 3, 4, 5, 6, 7, 9, 12, 13, 14, 15}


def test_parameters_and_builders_are_not_caught() -> None:
    fine = """
from sqlalchemy import text
NAMED = "SELECT 1"
session.execute(text("SELECT :a"), {"a": 1})
session.execute(text(NAMED))
session.exec(select(Bot).where(Bot.number == last + 1))
session.execute("SELECT a " "FROM b")
text(f"SELECT 1 WHERE {NAMED}")
session.execute(update(Counter).values(last=Counter.last + 1))
connection.execute(sql.SQL("GRANT {} TO {}").format(a, b))
pipeline.execute()
"""
    assert list(built_statements(Source("x.py", fine))) == []
