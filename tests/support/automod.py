"""Automod settings with one rule on, and the disguises that members put words in."""

from typing import Any

import msgspec
from hypothesis import strategies as st

from astero_shared.features.automod.config import AutomodConfig
from astero_shared.features.automod.rules import (
    CompiledAutomod,
    Hit,
    MessageFacts,
    compile_config,
    evaluate,
)

# Nothing of these is seen on the screen.
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u061c\u180e\u2063\ufe0f\U000e0061"
# Combining marks, stacked above, below and through the letter.
STACKED = "\u0300\u0301\u0327\u0336\u0338\u0489"
# By script, independent of the library that undoes them (Unicode's confusables.txt, and NFKC's ranges).
CYRILLIC = dict(zip("aceopxyisj", "асеорхуіѕј", strict=True))
GREEK = dict(zip("ovi", "ονι", strict=True))


def config_with(rule: str, **settings: Any) -> AutomodConfig:
    fields = {field.name: field for field in msgspec.structs.fields(AutomodConfig)}
    kind = type(fields[rule].default)
    return msgspec.structs.replace(AutomodConfig(), **{rule: kind(enabled=True, **settings)})


def compiled_with(rule: str, **settings: Any) -> CompiledAutomod:
    return compile_config(config_with(rule, **settings))


def verdict(compiled: CompiledAutomod, content: str, **facts: Any) -> Hit | None:
    return evaluate(compiled, MessageFacts(content=content, channel_id=1, **facts))


def disguised(letter: str) -> list[str]:
    """One lower-case ASCII letter in other clothes."""
    index = ord(letter) - ord("a")
    clothes = [
        *(letter, letter.upper()),
        chr(0xFF41 + index),  # fullwidth
        chr(0x1D41A + index),  # mathematical bold
        chr(0x1D5BA + index),  # mathematical sans-serif
        chr(0x24D0 + index),  # circled
        chr(0x1F170 + index),  # negative squared
        chr(0x1F1E6 + index),  # regional indicator
        letter + "\u0301",
    ]
    return clothes + [script[letter] for script in (CYRILLIC, GREEK) if letter in script]


@st.composite
def in_disguise(draw: st.DrawFn, word: str) -> str:
    """The word with look-alikes for its letters and invisible characters between them."""
    written: list[str] = []
    for char in word:
        plain = char.isascii() and char.isalpha()
        written.append(draw(st.sampled_from(disguised(char.lower()))) if plain else char)
        written.append(draw(st.text(alphabet=INVISIBLE + STACKED, max_size=2)))
    return "".join(written)
