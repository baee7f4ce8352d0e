"""Text as a reader sees it: look-alike letters, accents, invisible characters and stacked marks undone.

Both functions compose the text (NFC) and then go character by character: the cost is linear.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

import decancer_py

# Blank on the screen though Unicode calls them letters, marks or symbols.
_BLANKS: Final = frozenset("\u2800\u3164\uffa0\U0001d159")
# A blank to one reader and nothing to the next: fonts draw them from a full space to a hair's breadth.
_FAINT: Final = re.compile("[\u200a\u2800\u3164\uffa0\U0001d159]+")
# Takes no room on the screen though Unicode does not file it under Cf, Mn or Me.
_INVISIBLE: Final = frozenset("\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f")
# Symbols that people write letters with.
_LETTER_SYMBOLS: Final = frozenset("¢£¤¥§©®°\u00d7€")
# Squared and circled letters, regional indicators.
_ENCLOSED_FIRST: Final = "\U0001f100"
_ENCLOSED_LAST: Final = "\U0001f1ff"
# Letters on their head, where the library sees none.
_TURNED: Final = dict(zip("ɐɔǝɟɓɥᴉɾʞɯɹʇʌʍʎ", "acefghijkmrtvwy", strict=True))
# Ideographs out of use that "fancy text" generators put for Latin letters.
_PSEUDO_LATIN: Final = dict(zip("乇卂匚丂丅卄凵乚", "eacsthul", strict=True))
# Browsers read these as the dot between the labels of a host name (UTS 46).
_DOTS: Final = frozenset("\u3002\uff0e\uff61")
_MARKS: Final = frozenset({"Mn", "Me"})
# A bound for the memory of the tables; real conversations use a few hundred characters.
_MAX_REMEMBERED: Final = 20_000
_NON_ASCII: Final = re.compile(r"[^\x00-\x7f]+")


class _Table(dict[int, str]):
    """For str.translate: remembers what each character becomes."""

    def __init__(self, fold_character: Callable[[str], str]) -> None:
        super().__init__()
        self._fold = fold_character

    def fold(self, text: str) -> str:
        # Only the runs outside ASCII: most texts are mostly ASCII, which translate would walk through.
        return _NON_ASCII.sub(self._fold_run, unicodedata.normalize("NFC", text)).lower()

    def _fold_run(self, run: re.Match[str]) -> str:
        return run.group().translate(self)

    def __missing__(self, code: int) -> str:
        folded = self._fold(chr(code))
        if len(self) < _MAX_REMEMBERED:
            self[code] = folded
        return folded


def fold(text: str) -> str:
    """Lower case, every character as the letter it looks like: where words and invites are found."""
    return _FOLDED.fold(text)


def plain(text: str) -> str:
    """Lower case, nothing invisible, letters as they are: what a browser makes of a host name."""
    return _PLAIN.fold(text)


def without_faint(text: str) -> str:
    """The text without blanks that may be too narrow to see; `fold` makes each of them a space."""
    return _FAINT.sub("", text)


def _fold_character(char: str) -> str:
    category = unicodedata.category(char)
    if char in _BLANKS or category[0] == "Z":
        return " "
    if char in _INVISIBLE or category[0] == "C" or category in _MARKS:
        # Spacing vowel signs (Mc) carry meaning and stay; points and stacked marks do not.
        return ""
    if category[0] in "SP" and char not in _LETTER_SYMBOLS:
        return _fold_symbol(char)
    return _letters(char)


def _fold_symbol(char: str) -> str:
    """Enclosed letters become letters, punctuation its ASCII form, all else (emoji, arrows) a blank."""
    compatible = unicodedata.normalize("NFKC", char)
    if compatible.isascii() and compatible.isalnum():
        return compatible.lower()
    if _ENCLOSED_FIRST <= char <= _ENCLOSED_LAST:
        return _letters(char)
    folded = str(decancer_py.parse(char, disable_bidi=True, retain_emojis=True))
    return folded if folded.isascii() and not any(map(str.isalnum, folded)) else " "


def _letters(char: str) -> str:
    if char in _PSEUDO_LATIN:
        return _PSEUDO_LATIN[char]
    if char in _TURNED:
        return _TURNED[char]
    decomposed = unicodedata.normalize("NFKD", char)
    base = "".join(part for part in decomposed if unicodedata.category(part) not in _MARKS)
    if base.isascii():
        # Accents and compatibility forms are Unicode's own knowledge; the library has some of them wrong.
        return base.lower()
    return "".join(map(_lookalike, unicodedata.normalize("NFKC", char))).casefold()


def _lookalike(char: str) -> str:
    # Scripts written without spaces stay as they are: their look-alikes are few, and a Latin word
    # beside them must still be found as a word.
    return str(
        decancer_py.parse(
            char,
            disable_bidi=True,
            retain_japanese=True,
            retain_chinese=True,
            retain_thai=True,
            retain_lao=True,
            retain_khmer=True,
            retain_burmese=True,
        )
    )


def _plain_character(char: str) -> str:
    if char in _DOTS:
        return "."
    category = unicodedata.category(char)
    if category[0] == "C" or char in _INVISIBLE or category == "Me":
        return ""
    if "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef":
        return ""
    if char in _BLANKS or category[0] == "Z":
        return " "
    return unicodedata.normalize("NFKC", char)


_FOLDED: Final = _Table(_fold_character)
_PLAIN: Final = _Table(_plain_character)
