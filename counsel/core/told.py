"""Words that somebody typed for a service: there where they are needed, never cut without a word."""

from counsel.core.errors import InvalidError

LONGEST = 2000  # characters of a reason, an answer, a remark; forms have longer fields of their own


def told(name: str, text: str, *, most: int = LONGEST, needed: bool = True) -> str:
    """Return a text as it is kept.

    :param name: of its field, where the problem is shown.
    :raises InvalidError: ``empty``, when it is needed and nothing is written; ``too_long``.
    """
    text = text.strip()
    if needed and not text:
        raise InvalidError(**{name: "empty"})
    if len(text) > most:
        raise InvalidError(**{name: "too_long"})
    return text
