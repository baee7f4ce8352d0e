"""How many emoji a reader sees: sequences drawn as one picture count once, so do flags and keycaps.

Pictures chained by joiners that no font draws as one are counted one by one, as Discord shows them.
"""

import re
from typing import Final

# Extended_Pictographic by block, unassigned places included, so that next year's emoji count as well.
_PICTURE: Final = (
    "\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u231a\u231b\u2328\u23cf\u23e9-\u23f3\u23f8-\u23fa"
    "\u24c2\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u27bf\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55"
    "\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001f0ff\U0001f170-\U0001f171\U0001f17e-\U0001f17f\U0001f18e\U0001f191-\U0001f19a"
    "\U0001f201-\U0001f23b\U0001f250-\U0001f251\U0001f300-\U0001f3fa\U0001f400-\U0001faff"
)
# Drawn as text unless U+FE0F follows, and too common in prose to count without it.
_TEXTUAL: Final = "\u00a9\u00ae\u2122\u2139"
_MODIFIER: Final = "[\U0001f3fb-\U0001f3ff]"
_TAGS: Final = "[\U000e0020-\U000e007f]"
_ONE: Final = f"(?:[{_PICTURE}]{_MODIFIER}?\ufe0f?\u20e3?{_TAGS}*)"
# Unicode's joined sequences (emoji-zwj-sequences.txt, 17.0) by shape: families, couples, professions,
# people of a gender or walking the other way, and a few of a kind of their own.
_JOIN: Final = f"{_MODIFIER}?\ufe0f?\u200d"
_ADULT: Final = "[👨👩🧑]"
_CHILDREN: Final = f"(?:{_JOIN}[👦👧🧒]){{1,2}}"
_PAIR: Final = f"{_JOIN}(?:❤\ufe0f?(?:\u200d💋)?|[🤝🐰\U0001faef])\u200d{_ADULT}"
_PROFESSION: Final = f"{_JOIN}[⚕⚖✈🌾🍳🍼🎄🎓🎤🎨🏫🏭💻💼🔧🔬🚀🚒🦯🦰🦱🦲🦳🦼🦽🩰]\ufe0f?(?:\u200d➡)?"
_PEOPLE: Final = "[⛹🏃🏄🏊-🏌👮👯👰👱👳👷💁💂💆💇🕵🙅-🙇🙋🙍🙎🚣🚴-🚶🤦🤵🤷-🤹🤼-🤾🦸🦹🧍-🧏🧔🧖-🧟]"
_OTHERS: Final = (
    "🏴\u200d☠|🏳\ufe0f?\u200d[🌈⚧]|🐻\u200d❄|[🐈🐦]\u200d⬛|🐦\u200d🔥|🐕\u200d🦺|❤\ufe0f?\u200d[🔥🩹]"
    "|😶\u200d🌫|😮\u200d💨|😵\u200d💫|🙂\u200d[↔↕]|👁\ufe0f?\u200d🗨|⛓\ufe0f?\u200d💥|🍋\u200d🟩|🍄\u200d🟫"
)
_JOINED: Final = (
    f"(?:{_ADULT}(?:(?:{_JOIN}{_ADULT})?{_CHILDREN}|{_PAIR}|{_PROFESSION})"
    f"|{_PEOPLE}{_JOIN}(?:[♀♂]\ufe0f?(?:\u200d➡)?|➡)"
    f"|🫱{_JOIN}🫲|{_OTHERS}){_MODIFIER}?\ufe0f?"
)
_EMOJI: Final = re.compile(
    # A flag, or what Discord draws as a letter in a box.
    f"[\U0001f1e6-\U0001f1ff]{{1,2}}|[0-9#*]\ufe0f?\u20e3|[{_TEXTUAL}]\ufe0f|{_JOINED}|{_ONE}|{_MODIFIER}"
)
# One class instead of six branches: most text outside ASCII is letters.
_MAYBE: Final = re.compile(f"[{_PICTURE}{_TEXTUAL}\u20e3\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff]")
_CUSTOM: Final = re.compile(r"<a?:[A-Za-z0-9_]{2,32}:[0-9]{15,20}>")


def count_emoji(text: str) -> int:
    """Unicode emoji and the server's own (`<:name:id>`)."""
    count = len(_CUSTOM.findall(text)) if "<" in text else 0
    if not text.isascii() and _MAYBE.search(text):
        count += len(_EMOJI.findall(text))
    return count
