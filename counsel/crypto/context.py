"""What a sealed blob is bound to. A context is rebuilt at every opening and never stored (security §4.4)."""

import struct
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

NOBODY = UUID(int=0)
TAIL = struct.Struct(">H16sH16sHQH16s")  # item, box, revision, author, each after its length


@lru_cache(maxsize=256)
def _head(label: str, installation: bytes, table: str) -> bytes:
    parts = (installation, table.encode())
    return b"ccm/1/" + label.encode() + b"\0" + b"".join(len(part).to_bytes(2, "big") + part for part in parts)


class Place(NamedTuple):
    """Where in the database sealed bytes stand: table, row or item, revision, author."""

    table: str
    item: UUID
    revision: int
    author: UUID = NOBODY


class Context(NamedTuple):
    """Where sealed bytes belong; opening them anywhere else fails before any decryption.

    :param label: what kind of thing is sealed, such as ``item`` or ``bundle``.
    :param installation: 16 bytes of this installation.
    :param table: the table of the row that holds the bytes.
    :param item: the row or item; its id never changes.
    :param box: the box whose key seals it.
    :param revision: 0 for drafts, then 1, 2, …
    :param author: holder who wrote it.
    """

    label: str
    installation: bytes
    table: str
    item: UUID = NOBODY
    box: UUID = NOBODY
    revision: int = 0
    author: UUID = NOBODY

    def encode(self) -> bytes:
        """Return the unambiguous bytes of this context; every field carries its 16-bit length."""
        ids = (16, self.item.bytes, 16, self.box.bytes, 8, self.revision, 16, self.author.bytes)
        return _head(self.label, self.installation, self.table) + TAIL.pack(*ids)
