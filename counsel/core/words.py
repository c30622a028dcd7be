"""Marking texts that are data: collected into the catalogue here, translated where they are shown."""


def N_(text: str) -> str:
    """Return the text as it is; the catalogue collects it."""
    return text
