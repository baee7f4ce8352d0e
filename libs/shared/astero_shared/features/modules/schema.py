"""A module's settings as JSON Schema 2020-12, with titles, help and bounds, from the one Struct."""

from functools import cache
from typing import Any

import msgspec

from astero_shared.features.modules.catalog import MODULES
from astero_shared.features.modules.fields import to_json_value
from astero_shared.ids import schema_hook

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@cache
def module_schema(module: str) -> dict[str, Any]:
    """The schema of the whole settings; not to be changed by the caller. KeyError for no such module."""
    spec = MODULES[module]
    (reference,), components = msgspec.json.schema_components(
        (spec.config,), schema_hook=schema_hook, ref_template="#/$defs/{name}"
    )
    root = components.pop(reference["$ref"].rpartition("/")[2])
    return to_json_value({"$schema": DIALECT, **root, "title": spec.title, "$defs": components})
