"""Which names show all of themselves."""

import pytest

from astero_shared.errors import InvalidError
from astero_shared.names import refuse_hidden

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
DARK_SKIN_PILOT = "\U0001f9d1\U0001f3ff\u200d\u2708\ufe0f"
RAINBOW_FLAG = "\U0001f3f3\ufe0f\u200d\U0001f308"
RUNNING_RIGHT = "\U0001f3c3\u200d\u27a1\ufe0f"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    "name",
    [
        "Guard",
        "Größe 2 – l’été",
        "警备",
        "שומר",
        "می\u200cخواهم",
        "क्\u200dष",
        "⭐ Guard ❤️ 1️⃣",
        f"Reef {FAMILY} {DARK_SKIN_PILOT}",
        RAINBOW_FLAG,
        RUNNING_RIGHT,
        ENGLAND,
    ],
)
def test_what_can_be_seen_is_a_name(name: str) -> None:
    refuse_hidden(name, pointer="/name")


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "\u00a0\u2003",
        "\u3164",
        "\u2800\u2800",
        "\u0301",
        "Gu\u200bard",
        "Guard\u200d",
        "\u200dGuard",
        "Gu\u200dard",
        "Gu\u200card",
        "\u2060Guard",
        "Guard\ufeff",
        "Gu\u00adard",
        "\u202edrauG",
        "\u2066Guard\u2069",
        "Guard\u200f",
        "Gu\u2028ard",
        "Gu\u2029ard",
        "Gu\u0085ard",
        "Guard\u3164",
        "Guard\ud800",
        "Guard\U000e0041\U000e0042",
        f"{FAMILY}\u200d",
        f"Guard\u200d{FAMILY}",
    ],
)
def test_what_hides_or_turns_is_refused(name: str) -> None:
    with pytest.raises(InvalidError) as refused:
        refuse_hidden(name, pointer="/name")
    assert (refused.value.code, refused.value.pointer) == ("names.hidden", "/name")
