"""What people call their things and themselves: a name shows all of itself, and no two names look alike
because one of them hides characters. Refused: what nobody sees, and what turns the text around it.
"""

import unicodedata
from typing import Final

from astero_shared.errors import InvalidError
from astero_shared.visibility import FILLERS, is_visible

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINER: Final = "\u200d"
_NON_JOINER: Final = "\u200c"
# Between an emoji and its joiner or its tags: the emoji variant, and skin tones.
_ADORNMENTS: Final = frozenset({"\ufe0f", *map(chr, range(0x1F3FB, 0x1F400))})
_SUBDIVISION_FLAG: Final = "\U0001f3f4"
_TAGS: Final = frozenset(map(chr, range(0xE0020, 0xE0080)))
# Canonical_Combining_Class of a virama, after which a joiner changes the letter (RFC 5892, appendix A).
_VIRAMA: Final = 9


def refuse_hidden(name: str, *, pointer: str) -> None:
    """Raises InvalidError `names.hidden`; `pointer` is the field's JSON Pointer."""
    if not is_visible(name) or any(_hides(name, index) for index in range(len(name))):
        raise InvalidError(code="names.hidden", pointer=pointer)


def _hides(name: str, index: int) -> bool:
    char = name[index]
    if char in FILLERS:
        return True
    if unicodedata.category(char) not in _HIDDEN:
        return False
    if char in _TAGS:
        return _base(name, index) != _SUBDIVISION_FLAG
    return char not in {_JOINER, _NON_JOINER} or not _joins(name, index)


def _joins(name: str, index: int) -> bool:
    """Whether the joiner or non-joiner at `index` changes what its neighbours look like."""
    if not 0 < index < len(name) - 1:
        return False
    before, after = name[index - 1], name[index + 1]
    if unicodedata.combining(before) == _VIRAMA:
        return True
    if name[index] == _JOINER:
        return _is_pictogram(_base(name, index)) and _is_pictogram(after)
    # Persian parts its words with it, between letters that would join.
    return unicodedata.bidirectional(before) == unicodedata.bidirectional(after) == "AL"


def _base(name: str, index: int) -> str:
    """The character before `index` that what lies between adorns."""
    while index and (name[index - 1] in _ADORNMENTS or name[index - 1] in _TAGS):
        index -= 1
    return name[index - 1 : index] if index else ""


def _is_pictogram(char: str) -> bool:
    # So has nearly all of them; arrows such as the one of "running to the right" are Sm.
    return bool(char) and unicodedata.category(char) in {"So", "Sm"}
