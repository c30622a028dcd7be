"""Passphrases: long, not well known, not one's own data; no composition rules, no expiry (SP 800-63B-4; ASVS V6)."""

import re
import secrets
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import pairwise

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from counsel.core.errors import InvalidError
from counsel.crypto.passphrase import LONGEST, normalise

STAFF_LENGTH, STUDENT_LENGTH = 15, 12
LEFT_OVER = 6  # characters that must remain when well-known words and one's own data are taken away


@cache
def syllables() -> tuple[str, ...]:
    """Return the syllables of Mandarin without tones."""
    return tuple(files("counsel.people").joinpath("syllables.txt").read_text("utf-8").split())


@cache
def _well_known() -> frozenset[str]:
    own = files("counsel.people").joinpath("blocklist.txt").read_text("utf-8").split()
    return frozenset(own) | frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= 4)


def offer_passphrase() -> str:
    """Return four pinyin words of two syllables each, about 69 bits, easy to say and to type on a phone."""
    while True:
        words = " ".join("".join(secrets.choice(syllables()) for _ in range(2)) for _ in range(4))
        if len(words) >= 20 and not _is_well_known(words, ()):
            return words


DEMONSTRATION = "qingshan lvshui mingyue wanfeng"  # printed for everybody, so no real centre takes it


def check_passphrase(passphrase: str, *, staff: bool, personal: Iterable[str] = (), demo: bool = False) -> None:
    """Accept a passphrase or say why not.

    :param personal: the person's own names, number, birth date, class.
    :param demo: only the demonstration takes its own printed passphrase.
    :raises InvalidError: field ``passphrase`` with code too_short, too_long or well_known.
    """
    plain = normalise(passphrase)
    if len(plain) > LONGEST:
        raise InvalidError(passphrase="too_long")
    if len(plain) < (STAFF_LENGTH if staff else STUDENT_LENGTH) or any(unicodedata.category(ch) == "Cc" for ch in plain):
        raise InvalidError(passphrase="too_short_staff" if staff else "too_short_student")
    if _is_well_known(plain, personal) or (plain == DEMONSTRATION and not demo):
        raise InvalidError(passphrase="well_known")


def _is_well_known(plain: str, personal: Iterable[str]) -> bool:
    squeezed = re.sub(r"[\W_]+", "", plain.casefold())
    if squeezed in _well_known() or len(set(squeezed)) < 5 or _runs(squeezed):
        return True
    for own in _own_parts(personal):
        squeezed = squeezed.replace(own, "")
    for word in sorted(_found_words(squeezed), key=len, reverse=True):
        squeezed = squeezed.replace(word, "")
    return len(re.sub(r"\d{4,}", "", squeezed)) < LEFT_OVER


def _found_words(text: str) -> set[str]:
    known = _well_known()
    spans = (text[at:end] for at in range(len(text)) for end in range(at + 4, min(at + 17, len(text)) + 1))
    return {span for span in spans if span in known}


def _own_parts(personal: Iterable[str]) -> list[str]:
    parts = (re.sub(r"[\W_]+", "", own.casefold()) for own in personal)
    return sorted((part for part in parts if len(part) >= 2), key=len, reverse=True)


def _runs(text: str) -> bool:
    """Return whether the text is one run such as 123456… or a short piece repeated."""
    steps = {ord(b) - ord(a) for a, b in pairwise(text)}
    if len(steps) == 1 and steps <= {-1, 0, 1}:
        return True
    return any(text == text[:size] * (len(text) // size) for size in range(1, 5) if len(text) % size == 0)
