"""The real application, put together and not started: nothing is connected to."""

from collections.abc import Generator
from contextlib import contextmanager

from litestar import Litestar
from support.api import environment

from astero_api.app import create_app
from astero_api.settings import ApiSettings
from astero_shared.settings import load


@contextmanager
def unstarted_app() -> Generator[Litestar]:
    nowhere = environment(
        database_url="postgresql://astero_api:x@127.0.0.1:1/none", redis_url="redis://127.0.0.1:1"
    )
    app = create_app(load(ApiSettings, nowhere)).litestar
    try:
        yield app
    finally:
        app.state.hashes.close()
