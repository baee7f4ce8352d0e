"""Stored settings as they are answered: every setting present, in the order of its definition."""

from functools import lru_cache
from typing import Any

import msgspec

from astero_shared.errors import NotFoundError
from astero_shared.features.modules.catalog import MODULES, ModuleSpec
from astero_shared.features.modules.patches import decode_stored
from astero_shared.ids import encode_hook


def get_module(name: str) -> ModuleSpec:
    """Raises NotFoundError `modules.not_found`."""
    spec = MODULES.get(name)
    if spec is None:
        raise NotFoundError("There is no such module.", code="modules.not_found")
    return spec


def decode_config(spec: ModuleSpec, stored: dict[str, Any] | None) -> msgspec.Struct:
    """The settings in force; the module's defaults where nothing is stored."""
    return spec.default() if stored is None else decode_stored(spec.config, stored)[0]


def render_config(config: msgspec.Struct) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(config, enc_hook=encode_hook))


@lru_cache(maxsize=2048)
def render_stored(module: str, stored: str | None) -> msgspec.Raw:
    """Pure: the same text is the same answer, and most servers are read far more often than changed."""
    decoded = None if stored is None else msgspec.json.decode(stored, type=dict[str, Any])
    return render_config(decode_config(get_module(module), decoded))
