"""A base for structs that carry a password or a token in plain text from the edge to where it is used:
their repr shows stars instead, so an f-string, an assertion or a debugger's line does not show it either.
"""

from collections.abc import Iterator

import msgspec

from astero_shared.observability.sensitive_names import is_sensitive


class Masked(msgspec.Struct, frozen=True):
    """Subclass it in place of msgspec.Struct; names decide, the values stay what they are."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self._shown())})"

    def _shown(self) -> Iterator[str]:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            hidden = value is not None and is_sensitive(name)
            yield f"{name}='***'" if hidden else f"{name}={value!r}"
