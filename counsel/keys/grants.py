"""Grant: this holder may open this box. Encrypted to the holder, signed by the granter, verified before every use."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from counsel.core.clock import now
from counsel.core.database import House, house_of
from counsel.core.errors import TamperError, UnreadableError
from counsel.core.ids import new_id
from counsel.core.rows import Change
from counsel.crypto import hybrid
from counsel.crypto.blob import Kind, seal, unseal
from counsel.crypto.context import NOBODY, Context
from counsel.crypto.derive import digest, mac, same, subkey
from counsel.crypto.signatures import sign, verifies
from counsel.keys.bundle import Keyring
from counsel.keys.models import Box, Grant, Holder
from counsel.keys.trust import holder_row, print_of, roles_of

HOUSE_KINDS = ("card", "concern")
HOUSE = NOBODY  # granter of cards: written where nobody's private key is present, so a MAC stands for the signature
KEEP_WRAP = Change(update(Grant).where(Grant.grant_id == bindparam("grant")).values(own_wrap=bindparam("kept")))


@dataclass(frozen=True)
class Reader:
    """Someone who is to open a box.

    :param not_after: the moment the grant ends, aware UTC; None for as long as it stands.
    """

    holder: Holder
    purpose: str
    not_after: datetime | None = None


def _info(
    house: House, box_id: UUID, epoch: int, reader: Holder, granter: tuple[UUID, int], purpose: str, end: datetime | None
) -> bytes:
    return digest(
        b"grant/1",
        house.installation,
        box_id.bytes,
        epoch.to_bytes(4, "big"),
        reader.holder_id.bytes,
        reader.version.to_bytes(4, "big"),
        print_of(reader),
        granter[0].bytes,
        granter[1].to_bytes(4, "big"),
        purpose.encode(),
        end.isoformat(timespec="seconds").encode() if end else b"",
    )


def make_grant(db: Session, *, box_id: UUID, epoch: int, key: bytes, reader: Reader, granter: Keyring | None) -> Grant:
    """Grant. The caller has checked the reader's public keys (`trust.check_recipient`).

    :param granter: whose signature stands under it; None lets the house MAC it (cards only).
    """
    house = house_of(db)
    end = reader.not_after.replace(microsecond=0) if reader.not_after else None
    by = (granter.holder_id, granter.version) if granter else (HOUSE, 0)
    info = _info(house, box_id, epoch, reader.holder, by, reader.purpose, end)
    wrap = hybrid.wrap(key, reader.holder.kem_public, info)
    signed = digest(info, digest(wrap))
    signature = sign(granter.sign_private, signed) if granter else mac(subkey(house.secret, "house-grant"), signed)
    grant = Grant(
        grant_id=new_id(),
        box_id=box_id,
        epoch=epoch,
        holder_id=reader.holder.holder_id,
        holder_version=reader.holder.version,
        granter_id=by[0],
        granter_version=by[1],
        purpose=reader.purpose,
        not_after=end,
        wrap=wrap,
        signature=signature,
        key_mac=mac(key, b"grant-key", info),
    )
    db.add(grant)
    return grant


def verify_grant(db: Session, grant: Grant, holder: Holder, *, for_writing: bool = False) -> bytes:
    """Return the info of a grant that may be used now.

    :param for_writing: also demand that its granter is certified staff, or the holder itself: nobody writes under a
        key that an unproven client or an intruder chose.
    :raises TamperError: planted, moved or altered; :raises UnreadableError: expired.
    """
    house = house_of(db)
    if grant.not_after is not None and now() >= grant.not_after:
        raise UnreadableError("expired")
    end = grant.not_after
    by = (grant.granter_id, grant.granter_version)
    info = _info(house, grant.box_id, grant.epoch, holder, by, grant.purpose, end)
    signed = digest(info, digest(grant.wrap))
    if grant.granter_id == HOUSE:
        box = db.get(Box, grant.box_id)
        if box is None or box.kind not in HOUSE_KINDS or holder.kind != "group":
            raise TamperError("grant")
        if not same(grant.signature, mac(subkey(house.secret, "house-grant"), signed)):
            raise TamperError("grant")
        return info
    granter = holder_row(db, grant.granter_id, grant.granter_version)
    if granter is None or granter.sign_public is None or not verifies(granter.sign_public, grant.signature, signed):
        raise TamperError("grant")
    if granter.kind == "staff" and not roles_of(db, granter, even_left=True):
        raise TamperError("granter")
    if granter.kind == "client" and for_writing and granter.holder_id != holder.holder_id:
        raise TamperError("granter")
    return info


def open_grant(
    db: Session, grant: Grant, holder: Holder, kem_private: bytes, own_key: bytes, *, for_writing: bool, keep: bool
) -> bytes:
    """Return the box key of a grant by its asymmetric wrap; later `open_own` does.

    :param keep: inside a write transaction leave an own wrap behind, so that the next opening is symmetric; never for
        account-world cards, where it would show whose card was ever opened.
    """
    info = verify_grant(db, grant, holder, for_writing=for_writing)
    box_key = hybrid.unwrap(grant.wrap, kem_private, info)
    check_key(grant, info, box_key)
    if keep and db.info.get("writing") and not _by_client(db, grant):
        key, context = _own(house_of(db), grant, own_key)
        wrap = seal(key, box_key, Kind.KEY, context)
        KEEP_WRAP.run(db, grant=grant.grant_id, kept=wrap)
        set_committed_value(grant, "own_wrap", wrap)
    return box_key


def open_own(house: House, grant: Grant, own_key: bytes) -> bytes:
    """Return the box key of a grant that has left an own wrap.

    :raises UnreadableError: expired, or a wrap that was not made with this own key for this grant.
    """
    assert grant.own_wrap is not None
    if grant.not_after is not None and now() >= grant.not_after:
        raise UnreadableError("expired")
    key, context = _own(house, grant, own_key)
    return unseal(key, grant.own_wrap, Kind.KEY, context)


def _own(house: House, grant: Grant, own_key: bytes) -> tuple[bytes, bytes]:
    context = Context("own-wrap", house.installation, "grants", item=grant.grant_id, box=grant.box_id).encode()
    context += digest(grant.signature, grant.wrap, grant.epoch.to_bytes(4, "big"))
    return subkey(own_key, "own-wrap"), context


def check_key(grant: Grant, info: bytes, box_key: bytes) -> None:
    """Check that the granter knew the key of the box: a grant of another key than the box's own is planted.

    :raises TamperError: when it does not belong to this key.
    """
    if not same(grant.key_mac, mac(box_key, b"grant-key", info)):
        raise TamperError("grant")


def _by_client(db: Session, grant: Grant) -> bool:
    granter = holder_row(db, grant.granter_id)
    return granter is not None and granter.kind == "client" and granter.holder_id != grant.holder_id
