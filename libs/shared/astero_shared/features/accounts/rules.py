"""What an e-mail address and a password may be. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

import idna

MIN_PASSWORD_BYTES: Final = 12
"""Counted in UTF-8, as the hash sees it."""
MAX_PASSWORD_BYTES: Final = 1024
MIN_PASSWORD_CHARACTERS: Final = 10
"""Six letters of Cyrillic, or four of the pictures in a keyboard, are twelve bytes and soon guessed."""
MAX_EMAIL_LENGTH: Final = 254
"""RFC 5321, 4.5.3.1.3: a path has 256 octets, two of them its brackets."""

_EMAIL: Final = re.compile(r"[^\s@\x00-\x1f\x7f<>\"(),:;\[\]\\]{1,64}@(?P<domain>[^\s@\x00-\x1f\x7f]+)")

# What people build passwords of, from the heads of published lists of leaked ones. Dressed in this year's
# digits and a sign such a word is among the first guesses, and on no list of what leaked before.
_COMMON: Final = frozenset(
    # one string: a list of these is a page long
    """
    abc adgjmptw admin administrator
    amazing america andrea angel anthony asdf asdfgh asdfghjkl ashley azerty azertyuiop babygirl
    bailey baseball basketball batman bonjour changeme charlie cheese chelsea chocolate chouchou
    computer daniel default discord doudou dragon facebook football freedom friends google guest
    hannah hello hockey hunter iloveu iloveyou internet jennifer jessica jesus jordan joshua
    killer letmein liverpool login loulou lovely loveme manager marseille master matrix michael
    michelle minecraft monkey moderator motdepasse mustang naruto nicolas nicole ninja passe
    passw passwd password passwort pokemon princess purple q qaz qazwsx qazwsxedc qwer qwert
    qwerty qwertyui qwertyuiop qwertz qwertzuiop root secret server shadow soccer soleil starwars
    summer sunshine super superman teamo test testing thomas tigger trustno trustnoone user welcome
    whatever william zaq zaqxsw zxcv zxcvbn zxcvbnm
    """.split()  # noqa: SIM905
)
SERVICE_WORDS: Final = ("astero", "wize")
"""No password is made of them; docs/sign-in.md says so."""
_LOOKALIKES: Final = str.maketrans("01345789@$!+", "oleastbgasit")
_MIN_DISTINCT: Final = 5
_MIN_OWN_LETTERS: Final = 4
_MIN_REST: Final = 6


def is_email(text: str) -> bool:
    """One address at a domain of at least two labels that the DNS could hold, with nothing hidden in it.

    Its mailbox has no lookalike letters (full width, ligatures), which `email_key` folds: letters go to it as
    it is written, and whoever opened an account so would keep the plain address from ever having one. What
    only a letter can prove is not guessed here.
    """
    plain = unicodedata.normalize("NFKC", text)
    match = _EMAIL.fullmatch(plain)
    if match is None or not _EMAIL.fullmatch(text) or text.partition("@")[0] != plain.partition("@")[0]:
        return False
    if len(text) > MAX_EMAIL_LENGTH or not text.isprintable():
        return False
    labels = (_ascii_domain(match["domain"]) or "").split(".")
    # a last label of digits is an IPv4 address (RFC 3696, 2)
    return len(labels) > 1 and all(labels) and not labels[-1].isdigit()


def email_key(email: str) -> str:
    """What makes two spellings one address: compatibility form and case, of which nothing is dropped.

    `straße` and `strasse`, which case folding makes one, are two domains and two mailboxes with two owners. A
    domain is known by its ASCII name: browsers differ in which form they send.
    """
    local, at, domain = unicodedata.normalize("NFKC", email).rpartition("@")
    return f"{local.lower()}{at}{_ascii_domain(domain) or domain.lower()}"


def _ascii_domain(domain: str) -> str | None:
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except UnicodeError:  # an IDNAError too
        return None


def is_weak(password: str, *, own_words: Iterable[str] = ()) -> bool:
    """Whether a guesser reaches it early: common words, our name, the person's own, runs and repetitions.

    `own_words` are the person's address and name.
    """
    folded = unicodedata.normalize("NFKC", password).casefold()
    if len(password) < MIN_PASSWORD_CHARACTERS or len(set(folded)) < _MIN_DISTINCT or _is_run(folded):
        return True
    own_words = tuple(own_words)
    if len(_without_own(folded, own_words)) < _MIN_REST:
        return True
    # the digits and signs around a word are decoration, those inside it stand for letters
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded)
    for spelling in {folded, folded.translate(_LOOKALIKES), core.translate(_LOOKALIKES)}:
        letters = "".join(char for char in spelling if char.isalpha())
        rest = _without_context(letters, own_words)
        if len(set(rest)) < _MIN_DISTINCT - 1 and not _has_other_strength(folded):
            return True
        if _is_made_of_common_words(rest):
            return True
    return False


def _without_own(folded: str, own_words: tuple[str, ...]) -> str:
    for own in own_words:
        word = unicodedata.normalize("NFKC", own).casefold()
        if len(word) >= _MIN_OWN_LETTERS:
            folded = folded.replace(word, "")
    return folded


def _has_other_strength(folded: str) -> bool:
    # twelve digits that are no run hold as much as eight letters
    others = [char for char in folded if not char.isalpha()]
    return len(set(others)) > _MIN_DISTINCT and not _is_run("".join(others))


def _is_run(text: str) -> bool:
    """Mostly neighbours: 123456789012, abcdefghijkl, or one short piece again and again."""
    if len(text) > 1 and text in (text + text)[1:-1]:
        return True
    pairs = list(pairwise(text))
    neighbours = sum(1 for left, right in pairs if _are_neighbours(left, right))
    return bool(pairs) and neighbours >= len(pairs) * 0.75


def _are_neighbours(left: str, right: str) -> bool:
    return abs(ord(left) - ord(right)) <= 1 or {left, right} == {"9", "0"}


def _without_context(letters: str, own_words: Iterable[str]) -> str:
    words = [*SERVICE_WORDS]
    for own in own_words:
        words += re.findall(
            rf"[^\W\d_]{{{_MIN_OWN_LETTERS},}}", unicodedata.normalize("NFKC", own).casefold()
        )
    for word in sorted(words, key=len, reverse=True):
        letters = letters.replace(word, "")
    return letters


def _is_made_of_common_words(letters: str) -> bool:
    """Whether the letters split into common words without rest."""
    reachable = {0}
    for end in range(1, min(len(letters), 128) + 1):
        if any(letters[start:end] in _COMMON for start in reachable):
            reachable.add(end)
    return bool(letters) and len(letters) in reachable
