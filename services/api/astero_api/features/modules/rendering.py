"""Stored settings as they are answered: every setting present, in the order of its definition."""

from functools import lru_cache
from typing import Any

import msgspec

from astero_shared.features.modules.catalog import get_module
from astero_shared.features.modules.patches import decode_config
from astero_shared.ids import encode_hook


def render_config(config: msgspec.Struct) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(config, enc_hook=encode_hook))


@lru_cache(maxsize=2048)
def render_stored(module: str, stored: str | None) -> msgspec.Raw:
    """Pure: the same text is the same answer, and most servers are read far more often than changed."""
    decoded = None if stored is None else msgspec.json.decode(stored, type=dict[str, Any])
    return render_config(decode_config(get_module(module).config, decoded))
