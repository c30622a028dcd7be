"""Random identifiers. None carries a time or an order, so none can be matched with another."""

import secrets
from uuid import UUID


def new_id() -> UUID:
    """Return 128 random bits as a UUID of version 4."""
    return UUID(bytes=secrets.token_bytes(16), version=4)


def parse_id(text: str) -> UUID | None:
    """Return the id written in `text`, or None when it is not one."""
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        return None
