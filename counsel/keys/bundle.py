"""Unlock: an account's bundle of private keys, sealed under its passphrase or its printed code, opened to a keyring."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from counsel.core.database import House
from counsel.crypto import hybrid, signatures
from counsel.crypto.blob import Kind, seal, unseal
from counsel.crypto.context import Context
from counsel.crypto.derive import new_key, subkey


@dataclass(frozen=True)
class GroupKeys:
    """The private half of one version of a group, as a member holds it for one request."""

    kem_private: bytes = field(repr=False)
    own_key: bytes = field(repr=False)


@dataclass
class Keyring:
    """What an open vault holds. Lives in one request and in the sealed sign-in row, nowhere else.

    :param link: students only, the 32-byte secret of their invitation, known also to `office`.
    :param student_id: students only, the row of their card.
    :param card: students only, the snapshot of their card that the invitation brought; the account row must not.
    :param groups: filled while the request lasts: group id → version → keys.
    :param find_groups: fills them; called once, when a box does not open by the holder's own grant.
    """

    holder_id: UUID
    version: int
    kem_private: bytes = field(repr=False)
    sign_private: bytes = field(repr=False)
    own_key: bytes = field(repr=False)
    link: bytes | None = field(default=None, repr=False)
    student_id: UUID | None = None
    card: dict[str, str] = field(default_factory=dict, repr=False)
    groups: dict[UUID, dict[int, GroupKeys]] = field(default_factory=dict, repr=False)
    find_groups: Callable[[], object] | None = field(default=None, repr=False, compare=False)

    @property
    def kem_public(self) -> bytes:
        """Public half for encryption, 1216 bytes."""
        return hybrid.public_of(self.kem_private)

    @property
    def sign_public(self) -> bytes:
        """Public half for signatures, 32 bytes."""
        return signatures.public_of(self.sign_private)

    @cached_property
    def revision_key(self) -> bytes:
        """Key under which the holder knows the own revisions again."""
        return subkey(self.own_key, "revision")


def new_keyring(
    holder_id: UUID,
    *,
    version: int = 1,
    link: bytes | None = None,
    student_id: UUID | None = None,
    card: dict[str, str] | None = None,
) -> Keyring:
    """Return fresh keys for a holder."""
    kem, signing = hybrid.new_private(), signatures.new_private()
    return Keyring(holder_id, version, kem, signing, new_key(), link, student_id, card or {})


def pack(keyring: Keyring) -> bytes:
    """Return the keyring as bytes, ready to be sealed."""
    fields: dict[str, Any] = {
        "holder": keyring.holder_id.hex,
        "version": keyring.version,
        "kem": _text(keyring.kem_private),
        "sign": _text(keyring.sign_private),
        "own": _text(keyring.own_key),
    }
    if keyring.link is not None and keyring.student_id is not None:
        fields |= {"link": _text(keyring.link), "student": keyring.student_id.hex, "card": keyring.card}
    return json.dumps(fields, sort_keys=True).encode()


def unpack(plain: bytes) -> Keyring:
    """Return the keyring that `pack` made bytes of."""
    fields = json.loads(plain)
    return Keyring(
        UUID(fields["holder"]),
        fields["version"],
        base64.b64decode(fields["kem"]),
        base64.b64decode(fields["sign"]),
        base64.b64decode(fields["own"]),
        base64.b64decode(fields["link"]) if "link" in fields else None,
        UUID(fields["student"]) if "student" in fields else None,
        fields.get("card", {}),
    )


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def seal_bundle(house: House, account_id: UUID, key: bytes, keyring: Keyring, copy: str = "passphrase") -> bytes:
    """Seal a keyring for its account.

    :param copy: ``passphrase`` or ``code``: which of the account's copies this is.
    """
    return seal(key, pack(keyring), Kind.SECRET, _context(house, account_id, copy))


def open_bundle(house: House, account_id: UUID, key: bytes, sealed: bytes, copy: str = "passphrase") -> Keyring:
    """Unlock.

    :raises UnreadableError: wrong key, another account's bundle, or altered bytes.
    """
    return unpack(unseal(key, sealed, Kind.SECRET, _context(house, account_id, copy)))


def _context(house: House, account_id: UUID, copy: str) -> bytes:
    return Context(f"bundle/{copy}", house.installation, "accounts", item=account_id).encode()
