"""The route inventory in the docs is what the application serves."""

from support.route_inventory import INVENTORY, render
from support.unstarted import unstarted_app


def test_the_inventory_is_complete_and_true() -> None:
    with unstarted_app() as app:
        assert INVENTORY.read_text() == render(app), "run `just routes`"
