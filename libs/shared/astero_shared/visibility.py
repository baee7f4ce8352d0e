"""Whether a text shows anything: what is made of blanks, joiners and marks alone is empty to its reader."""

import unicodedata
from typing import Final

# Blank on the screen though Unicode calls them letters or symbols.
FILLERS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\U0001d159")
# Cn, the unassigned, is not among them: next year's emoji are there.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Mn", "Me", "Zs", "Zl", "Zp"})


def is_visible(text: str) -> bool:
    """Whether a character of the text is drawn by itself; marks need another to stand on."""
    return any(char not in FILLERS and unicodedata.category(char) not in _UNSEEN for char in text)
