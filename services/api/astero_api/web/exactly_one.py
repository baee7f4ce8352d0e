"""A body that holds exactly one of several proofs: none and two are both refused; no value is ever shown."""

import msgspec
from msgspec import UNSET


class ExactlyOne(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Every field of a subclass is `X | UnsetType = UNSET`."""

    def __post_init__(self) -> None:
        fields = msgspec.structs.fields(self)
        values = [getattr(self, field.name) for field in fields]
        if sum(value is not UNSET and value is not None for value in values) != 1:
            raise ValueError("Send exactly one of: " + ", ".join(field.encode_name for field in fields))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"
