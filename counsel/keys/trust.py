"""Whose public key may be used: certificates that lead to the pinned director, and clients' proofs (design §2).

Replacing a key in the database makes its certificate or proof fail: `TamperError`, an alarm, nothing sealed to it.
"""

import json
from pathlib import Path
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from counsel.core.database import House, house_of
from counsel.core.errors import TamperError
from counsel.core.rows import Prepared
from counsel.crypto.derive import digest, mac, same
from counsel.crypto.signatures import fingerprint, sign, verified
from counsel.keys.bundle import Keyring
from counsel.keys.models import Certificate, Holder

ELIGIBLE = {
    "office": ("counsellor", "front_desk", "director"),
    "duty": ("counsellor", "director"),
    "archive": ("archivist",),
}
OF_HOLDER = select(Holder).where(Holder.holder_id == bindparam("holder")).order_by(Holder.version.desc())
NEWEST_FIRST, OF_VERSION = Prepared(OF_HOLDER), Prepared(OF_HOLDER.where(Holder.version == bindparam("version")))
NEWEST = Prepared(OF_HOLDER.limit(1))
OF_KEYS = (Certificate.holder_id == bindparam("holder"), Certificate.version == bindparam("version"))
CERTIFICATES = Prepared(select(Certificate.role, Certificate.signature, Certificate.certifier_id).where(*OF_KEYS))
Voucher = tuple[str, bytes, Holder]  # role, signature, the certifier with the newest keys


def pin_director(house: House, keyring: Keyring) -> None:
    """Pin the founding director's fingerprint in the instance folder; no database row can change it."""
    pins = {"director": keyring.holder_id.hex, "fingerprint": _print_of(keyring).hex()}
    path = _pins(house)
    path.write_text(json.dumps(pins))
    path.chmod(0o600)


def _pins(house: House) -> Path:
    return house.settings.instance / "pins.json"


def _print_of(keyring: Keyring) -> bytes:
    return fingerprint(keyring.kem_public, keyring.sign_public)


def print_of(holder: Holder) -> bytes:
    """Return the 32-byte fingerprint of a holder's public keys."""
    return fingerprint(holder.kem_public, holder.sign_public or b"")


def group_id(house: House, name: str) -> UUID:
    """Return the fixed id of ``office``, ``duty`` or ``archive`` in this installation."""
    return UUID(bytes=digest(house.installation, b"group", name.encode())[:16], version=4)


def group_name(house: House, holder_id: UUID) -> str | None:
    """Return the name of the group with this id, or None."""
    return next((name for name in ELIGIBLE if group_id(house, name) == holder_id), None)


def holder_row(db: Session, holder_id: UUID, version: int | None = None) -> Holder | None:
    """Return the public keys of a holder, the newest version unless told."""
    if version is None:
        return NEWEST.first(db, holder=holder_id)
    return OF_VERSION.first(db, holder=holder_id, version=version)


def holder_versions(db: Session, holder_id: UUID) -> list[Holder]:
    """Return the keys a holder has and had, newest first; whether they may be believed is asked apart."""
    return NEWEST_FIRST.all(db, holder=holder_id)


def _statement(house: House, holder: Holder, role: str) -> bytes:
    return digest(
        b"certificate/1",
        house.installation,
        holder.holder_id.bytes,
        holder.version.to_bytes(4, "big"),
        print_of(holder),
        role.encode(),
    )


def certify(db: Session, *, certifier: Keyring, holder: Holder, role: str) -> None:
    """Sign that these keys belong to this holder in this role. Twice by the same certifier changes nothing."""
    known = db.get(Certificate, (holder.holder_id, holder.version, role, certifier.holder_id))
    if known is None:
        signature = sign(certifier.sign_private, _statement(house_of(db), holder, role))
        db.add(
            Certificate(
                holder_id=holder.holder_id,
                version=holder.version,
                role=role,
                certifier_id=certifier.holder_id,
                signature=signature,
            )
        )


def is_root(house: House, holder: Holder) -> bool:
    """Return whether this is the pinned founding director with the pinned keys."""
    path = _pins(house)
    if not path.exists():
        return False
    pins = json.loads(path.read_text())
    return bool(pins["director"] == holder.holder_id.hex and pins["fingerprint"] == print_of(holder).hex())


def _vouchers(db: Session, holder: Holder) -> list[Voucher]:
    """Return every certificate of these keys, as it stands; whether its signature holds is not asked here."""
    found = CERTIFICATES.all(db, holder=holder.holder_id, version=holder.version)
    newest = {row.certifier_id: NEWEST.first(db, holder=row.certifier_id) for row in found}
    return [(row.role, row.signature, who) for row in found if (who := newest[row.certifier_id]) is not None]


def _signers(db: Session, holder: Holder, role: str, vouchers: list[Voucher]) -> list[Holder]:
    """Return the holders whose signature under this certificate holds; whether they may certify is not asked here."""
    statement = _statement(house_of(db), holder, role)
    mine = ((who, who.sign_public, signature) for of, signature, who in vouchers if of == role)
    return [who for who, public, signature in mine if public and verified(public, signature, statement)]


def is_director(db: Session, holder: Holder) -> bool:
    """Return whether this is the pinned director, or a director whom the pinned one certified."""
    return is_root(house_of(db), holder) or _had_role(db, holder, "director", _vouchers(db, holder))


def ever_had_role(db: Session, holder: Holder, role: str) -> bool:
    """Return whether a director vouched for this role, even if the holder has left since."""
    return _had_role(db, holder, role, _vouchers(db, holder))


def _had_role(db: Session, holder: Holder, role: str, vouchers: list[Voucher]) -> bool:
    house, signers = house_of(db), _signers(db, holder, role, vouchers)
    if role == "director":
        return is_root(house, holder) or any(is_root(house, who) for who in signers)
    return any(is_director(db, who) for who in signers)


def roles_of(db: Session, holder: Holder, *, even_left: bool = False) -> list[str]:
    """Return the roles that certificates vouch for; none once the holder has left, unless `even_left`."""
    if holder.revoked and not even_left:
        return []
    vouchers = _vouchers(db, holder)
    named = {role for role, _signature, _who in vouchers} | ({"director"} if is_root(house_of(db), holder) else set())
    return sorted(role for role in named if _had_role(db, holder, role, vouchers))


def certifiers_of(db: Session, holder: Holder, role: str) -> set[UUID]:
    """Return who validly vouches for `holder` in `role`; for a group's key, its eligible members may."""
    eligible = ELIGIBLE.get(role)
    return {
        who.holder_id
        for who in _signers(db, holder, role, _vouchers(db, holder))
        if (any(ever_had_role(db, who, of) for of in eligible) if eligible else roles_of(db, who, even_left=True))
    }


def client_proof(house: House, link: bytes, holder_id: UUID, version: int, kem: bytes, sign_public: bytes) -> bytes:
    """Return the HMAC with which a client's public keys show that the invited person made them."""
    return mac(link, b"client/1", house.installation, holder_id.bytes, version.to_bytes(4, "big"), kem, sign_public)


def check_client(house: House, holder: Holder, link: bytes) -> None:
    """Check a client's public keys against the secret in the card.

    :raises TamperError: when they were replaced.
    """
    assert holder.kind == "client"
    proof = client_proof(house, link, holder.holder_id, holder.version, holder.kem_public, holder.sign_public or b"")
    if not same(proof, holder.proof or b""):
        raise TamperError("client keys")


def check_recipient(db: Session, holder: Holder, *, link: bytes | None = None) -> None:
    """Check that something may be sealed to this holder.

    :param link: the client's secret from the card, needed for clients.
    :raises TamperError: uncertified, revoked or replaced keys.
    """
    house = house_of(db)
    if holder.kind == "client":
        if link is None:
            raise TamperError("client keys unproven")
        check_client(house, holder, link)
    elif holder.kind == "group":
        name = group_name(house, holder.holder_id)
        if name is None or not certifiers_of(db, holder, name):
            raise TamperError("group keys")
    elif not roles_of(db, holder):
        raise TamperError("staff keys")
