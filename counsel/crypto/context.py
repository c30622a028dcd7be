"""What a sealed blob is bound to. A context is rebuilt at every opening and never stored (security §4.4)."""

from dataclasses import dataclass
from uuid import UUID

NOBODY = UUID(int=0)


@dataclass(frozen=True)
class Place:
    """Where in the database sealed bytes stand: table, row or item, revision, author."""

    table: str
    item: UUID
    revision: int
    author: UUID = NOBODY


@dataclass(frozen=True)
class Context:
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
        parts = (
            self.installation,
            self.table.encode(),
            self.item.bytes,
            self.box.bytes,
            self.revision.to_bytes(8, "big"),
            self.author.bytes,
        )
        return b"ccm/1/" + self.label.encode() + b"\0" + b"".join(len(p).to_bytes(2, "big") + p for p in parts)
