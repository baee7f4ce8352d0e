"""The modules a server can configure. A new module is one entry here and its folder."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from astero_shared.errors import NotFoundError
from astero_shared.features.automod.config import AutomodConfig
from astero_shared.features.automod.config import is_active as automod_is_active
from astero_shared.features.cases.config import CasesConfig


class ModuleSpec(NamedTuple):
    """`intents` are attribute names of discord.Intents that the module needs while `is_active(config)`."""

    name: str
    title: str
    config: type[msgspec.Struct]
    intents: frozenset[str]
    is_active: Callable[[Any], bool]

    def default(self) -> msgspec.Struct:
        return self.config()


def _always(_config: CasesConfig) -> bool:
    # Commands open cases whatever the settings say; the gateway is not needed for them.
    return True


MODULES: Final[dict[str, ModuleSpec]] = {
    spec.name: spec
    for spec in (
        ModuleSpec(
            name="automod",
            title="Automod",
            config=AutomodConfig,
            intents=frozenset({"guilds", "guild_messages", "message_content"}),
            is_active=automod_is_active,
        ),
        ModuleSpec(
            name="cases",
            title="Cases",
            config=CasesConfig,
            intents=frozenset({"guilds"}),
            is_active=_always,
        ),
    )
}


_NAMES: Final[dict[type[msgspec.Struct], str]] = {spec.config: spec.name for spec in MODULES.values()}


def module_of(kind: type[msgspec.Struct]) -> str:
    """The name of the module whose settings are of this kind."""
    return _NAMES[kind]


def get_module(name: str) -> ModuleSpec:
    """Raises NotFoundError `modules.not_found`."""
    spec = MODULES.get(name)
    if spec is None:
        raise NotFoundError(code="modules.not_found")
    return spec
