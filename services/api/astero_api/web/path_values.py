"""Numbers and ids in an address are written one way; any other spelling leads nowhere.

Python would read `1_0`, `+10` and the digits of every script as ten, and an id without its dashes too:
what stands before us (a cache, a rule of the edge) would see another address.
"""

from uuid import UUID

from litestar.types import Scope

from astero_shared.errors import NotFoundError


def refuse_odd_path(scope: Scope) -> None:
    """Raises NotFoundError."""
    written = [step for step in scope["path"].split("/") if step]
    named = [step for step in scope["path_template"].split("/") if step]
    for name, step in zip(named, written, strict=True):
        value = scope["path_params"].get(name.strip("{}"))
        if isinstance(value, int | UUID) and str(value) != step.lower():
            raise NotFoundError
