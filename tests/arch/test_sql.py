"""SQL is a literal with parameters: no statement is put together from text."""

import ast
import re
from collections.abc import Iterator

from support.source import ROOT, Source, members, tracked

# What takes a statement: SQLAlchemy's and psycopg's calls, and alembic's.
_TAKERS = {
    "execute", "executemany", "exec", "exec_driver_sql", "scalar", "scalars", "stream", "stream_scalars",
    "copy", "fetch", "fetchrow", "fetchval",
}  # fmt: skip
# What turns text into SQL, and which of its arguments that text is.
_ONLY_LITERALS = {
    "text": 0, "SQL": 0, "literal_column": 0, "exec_driver_sql": 0, "DDL": 0, "TextClause": 0, "op": 0,
    "CheckConstraint": 0, "create_check_constraint": 2, "prefix_with": 0, "suffix_with": 0, "with_hint": 1,
    "with_statement_hint": 0, "quoted_name": 0, "collate": 1,
}  # fmt: skip
_KEYWORDS = {"statement", "query", "clause", "sqltext", "sql", "text", "condition"}
_LIBRARIES = {"sqlalchemy", "sqlmodel", "psycopg", "alembic"}
# path: why words that are no literals become SQL there. Statements built from text stay forbidden.
MAY_CAST = {
    "deploy/ops/astero_ops/migrate/grants.py": "GRANT takes no parameters; its words are our own file's",
    "deploy/ops/astero_ops/migrate/roles.py": "roles.sql is our own file, run by the operator's command",
}
# EXECUTE in a function's body; not the right of that name, not a trigger's, and not a literal with names (%I)
# and values (%L) quoted by the database itself
_DYNAMIC = re.compile(
    r"\bEXECUTE\b(?!\s+(?:FUNCTION|PROCEDURE|ON)\b)(?!\s+format\(\s*'(?:[^'%]|%[IL])*')", re.IGNORECASE
)


def built_statements(source: Source) -> Iterator[str]:
    assigned = _assignments(source.tree)
    imported = _imported(source.tree)
    for node in ast.walk(source.tree):
        if _hides_a_taker(node) or (source.path not in MAY_CAST and _claims_a_literal(node)):
            yield f"{source.path}:{getattr(node, 'lineno', 0)}"
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        called = imported.get(name, name)
        if called not in _TAKERS and called not in _ONLY_LITERALS:
            continue
        # `text` and `op` name other things too: only SQLAlchemy's own are meant.
        if called in {"text", "op"} and not _is_of_sqlalchemy(node, imported):
            continue
        strict = called in _ONLY_LITERALS and source.path not in MAY_CAST
        for statement in _statements(node, _ONLY_LITERALS.get(called, 0)):
            unsure = strict and not _is_literal(statement, assigned)
            if unsure or _is_sum(statement, assigned) or _is_built(statement, assigned):
                yield f"{source.path}:{node.lineno}"


def _statements(call: ast.Call, place: int) -> list[ast.expr]:
    named = [keyword.value for keyword in call.keywords if keyword.arg in _KEYWORDS]
    return call.args[place : place + 1] + named


def dynamic_sql(source: Source) -> Iterator[str]:
    """A function of the database could build there what may not be built here."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "$$" in node.value:
            for found in _DYNAMIC.finditer(node.value):
                yield f"{source.path}:{node.lineno + node.value.count(chr(10), 0, found.start())}"


def _imported(tree: ast.Module) -> dict[str, str]:
    """The libraries' own names of what is imported from them, by the names used here."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in _LIBRARIES:
                found |= {alias.asname or alias.name: alias.name for alias in node.names}
            case ast.Import():
                libraries = [alias for alias in node.names if alias.name.partition(".")[0] in _LIBRARIES]
                found |= {alias.asname or alias.name: alias.name for alias in libraries}
            case _:
                pass
    return found


def _is_of_sqlalchemy(call: ast.Call, imported: dict[str, str]) -> bool:
    match call.func:
        case ast.Name(id=name):
            return name in imported
        case ast.Attribute(attr="op"):
            # a column's own operator
            return True
        case ast.Attribute(value=ast.Name(id=name)):
            return name in {*imported, "sa", "sql", "sqlalchemy"}
        case ast.Attribute(value=ast.Attribute(attr=name)):
            return name == "sql"
        case _:
            return False


def _hides_a_taker(node: ast.AST) -> bool:
    """A taker by another name, or one chosen by a value, would be seen by nobody."""
    match node:
        case ast.Assign(value=ast.Attribute(attr=name)):
            return name in _TAKERS
        case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=name), *_]):
            return name in _TAKERS or name in _ONLY_LITERALS
        case ast.Call(func=ast.Name(id="getattr"), args=[ast.Name(id="func" | "sa" | "sql" | "op"), *_]):
            return True
        case ast.Call(func=ast.Name(id="methodcaller" | "attrgetter"), args=[ast.Constant(value=name), *_]):
            return name in _TAKERS
        case _:
            return False


def _claims_a_literal(node: ast.AST) -> bool:
    """Psycopg's types let LiteralString through: a cast says what the type checker has not seen."""
    match node:
        case ast.Call(func=ast.Name(id="cast") | ast.Attribute(attr="cast"), args=[kind, *_]):
            return "LiteralString" in ast.unparse(kind)
        case _:
            return False


def _is_sum(node: ast.expr, assigned: dict[str, list[ast.expr]]) -> bool:
    """No statement of SQLAlchemy's is a sum or a remainder, and none is bytes."""
    match node:
        case ast.BinOp(op=ast.Add() | ast.Mod()):
            return not _is_literal(node, assigned)
        case ast.Call(func=ast.Attribute(value=inner, attr="encode")):
            return not _is_literal(inner, assigned)
        case _:
            return False


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
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                # what it gives back is what its caller has
                returned = [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return)]
                found.setdefault(f"{name}()", []).extend(value for value in returned if value is not None)
            case _:
                pass
    return found


def _grown(node: ast.AST, value: ast.expr) -> ast.expr:
    """`sql += x` builds as much as `sql + x` does."""
    if isinstance(node, ast.AugAssign):
        return ast.BinOp(left=ast.Constant(""), op=node.op, right=value)
    return value


def _is_built(  # noqa: PLR0911 - one answer for each shape
    node: ast.expr, assigned: dict[str, list[ast.expr]], depth: int = 0
) -> bool:
    match node:
        case ast.JoinedStr():
            return not _is_literal(node, assigned)
        case ast.BinOp(left=left, op=ast.Add() | ast.Mod(), right=right):
            # Two literals side by side are one literal; a column in arithmetic is no text.
            text = any(_holds_text(side, assigned) for side in (left, right))
            return text and not (_is_literal(left, assigned) and _is_literal(right, assigned))
        case ast.Call(func=ast.Attribute(value=ast.Name(id="str" | "bytes"))):
            return True
        case ast.Call(func=ast.Attribute(attr="format_map" | "substitute" | "safe_substitute")):
            return True
        case ast.Call(func=ast.Attribute(value=owner, attr="format" | "join" | "replace" | "encode")):
            return _holds_text(owner, assigned) or _is_built(owner, assigned, depth)
        case ast.Call(func=ast.Name(id=name)) if depth < 4:
            return any(_is_built(value, assigned, depth + 1) for value in assigned.get(f"{name}()", ()))
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


def test_no_function_of_the_database_builds_statements() -> None:
    assert [place for source in members() for place in dynamic_sql(source)] == []
    # The operator's own file: attributes out of the list beside them, and functions by their catalog's names.
    assert [path for path in tracked() if path.endswith(".sql")] == ["deploy/postgres/roles.sql"]
    roles = (ROOT / "deploy/postgres/roles.sql").read_text()
    unquoted = [roles[found.end() :].partition(" ")[2][:20] for found in _DYNAMIC.finditer(roles)]
    assert unquoted == ["format('ALTER ROLE %", "format('REVOKE EXECU"]


def test_planted_dynamic_sql_is_caught() -> None:
    planted = 'op.execute("""CREATE FUNCTION f() LANGUAGE plpgsql AS $$\nBEGIN EXECUTE q; END $$""")\n'
    assert list(dynamic_sql(Source("x.py", planted))) == ["x.py:2"]
    for quoted in ("format('DELETE FROM %s', q)", "format(q)", "'DELETE FROM ' || q"):
        assert list(dynamic_sql(Source("x.py", planted.replace("EXECUTE q", f"EXECUTE {quoted}"))))
    assert not list(dynamic_sql(Source("x.py", planted.replace(" q;", " format('DELETE FROM %I', q);"))))
    trigger = 'op.execute("""CREATE TRIGGER t BEFORE UPDATE ON a EXECUTE FUNCTION f() -- $$""")\n'
    assert list(dynamic_sql(Source("x.py", trigger))) == []


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
getattr(session, "execute")(query_of_mine)
from sqlalchemy import text as words
words(given)
import sqlalchemy as alchemy
alchemy.text(given)
session.execute(statement=f"SELECT {a}")
run = session.execute
connection.execute(first + second)
connection.execute(str.join(" ", parts))
connection.execute("SELECT {a}".format_map(row))
connection.execute(f"SELECT {a}".encode())
connection.execute(given.encode())
connection.execute(cast("LiteralString", given))
table.c.name.op(given)("x")
sa.CheckConstraint(f"a > {low}")
op.create_check_constraint("ck", "t", given)
select(a).prefix_with(given)
getattr(func, given)(a)
def made(order): return f"SELECT a ORDER BY {order}"
connection.execute(made(given))
op.execute(Template("DROP TABLE $t").substitute(t=given))
""".strip().splitlines()
    source = Source("x.py", "\n".join(planted) + "\n")
    caught = {int(place.rpartition(":")[2]) for place in built_statements(source)}
    harmless = {1, 8, 10, 11, 17, 19, 34}
    assert caught == set(range(1, len(planted) + 1)) - harmless


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
def chosen(a): return select(Bot).where(Bot.id == a)
session.exec(chosen(a))
Bot.name.op("COLLATE")("C")
sa.CheckConstraint("a > 1")
executor = pool.executor
translations.text(key)
"""
    assert list(built_statements(Source("x.py", fine))) == []
