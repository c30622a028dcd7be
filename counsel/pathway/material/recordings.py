"""Hear a recording: whoever the client let hear it, for the purpose that was agreed, while everybody stands by it (篇4 四).

The key is not enough: the rule asks for the purpose, and whether the yes stands, before every few MiB that are given out.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.decide import decide
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now
from counsel.core.rows import Prepared
from counsel.keys.boxes import OpenBox
from counsel.keys.models import Grant
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import case_at, case_facts
from counsel.pathway.material.consent import OWN, PURPOSES, may_be_heard
from counsel.pathway.material.models import CopyWish
from counsel.pathway.material.reading import Held, open_material
from counsel.people.conflicts import declared_against
from counsel.records.material import PART_BYTES, RECORDED
from counsel.records.models import Material

MOST_AT_ONCE = PART_BYTES
GRANTED = "granted"
HEARERS = Prepared(
    select(Grant.holder_id, Grant.purpose).where(
        Grant.box_id == bindparam("box"),
        or_(*(Grant.purpose == purpose for purpose in PURPOSES)),
        Grant.not_after.is_(None) | (Grant.not_after > bindparam("now")),
    )
)


@dataclass(frozen=True)
class Hearable:
    """A recording that somebody may hear now: of which case and session, what for."""

    row: Material
    case_no: int
    purpose: str


def recording_facts(db: Session, row: Material | None) -> Facts | None:
    """Return what the rules may know about a recording; None for anything else.

    The counsellor's own purpose ends with the work on the case: whoever took it over was not agreed to.
    """
    case = case_at(db, row.case_id if row is not None else None)
    about = case_facts(db, case)
    if row is None or case is None or about is None or row.kind not in RECORDED:
        return None
    live = HEARERS.all(db, box=row.box_id, now=now())
    wish = db.get(CopyWish, row.material_id)
    return Facts(
        client_id=case.client_id,
        assigned_to=about.assigned_to,
        state=about.state,
        asked=frozenset(grant.holder_id for grant in live if grant.purpose != OWN or grant.holder_id == case.counsellor_id),
        barred=declared_against(db, case.client_id),
        agreed=row.state == "kept" and may_be_heard(db, row),
        ground="copy" if wish is not None and wish.state == GRANTED else None,
    )


def find_recording(db: Session, *, actor: SignedIn, material_id: UUID | None, permission: Permission) -> tuple[Material, Case]:
    """Return a recording and its case for whoever may use the recording in this way, or refuse as if it were absent."""
    row = db.get(Material, material_id) if material_id is not None else None
    case = case_at(db, row.case_id if row is not None else None)
    require(db, actor, permission, recording_facts(db, row), object_id=material_id)
    assert row is not None and case is not None
    return row, case


def hearable(db: Session, *, actor: SignedIn) -> list[Hearable]:
    """Return what the actor may hear now, the newest first; nothing is opened."""
    require(db, actor, Permission.RECORDING_LIST)
    mine = select(Material, Case.case_no, Grant.purpose).join(Grant, Grant.box_id == Material.box_id)
    mine = mine.join(Case, Case.case_id == Material.case_id).where(
        Grant.holder_id == actor.holder_id, Material.kind.in_(RECORDED)
    )
    rows = db.execute(mine.where(Material.state == "kept").order_by(Material.on_day.desc(), Material.material_id)).all()
    may = Permission.RECORDING_HEAR
    return [Hearable(*row) for row in rows if decide(actor, may, recording_facts(db, row[0]) or Facts()).allowed]


def open_copy(db: Session, *, actor: SignedIn, row: Material) -> tuple[Held, OpenBox]:
    """Open a recording to save the copy that the director let the client have; the caller has passed the gate.

    Records: ``pathway:copy:saved``.
    """
    opened = open_material(db, actor=actor, row=row)
    with recording(db) as record:
        record.by(actor, "pathway:copy:saved", subject_id=db.get_one(Case, row.case_id).client_id, object_id=row.material_id)
    return opened


def heard_by(db: Session, client_id: UUID | None) -> list[UUID]:
    """Return who may hear something of a client's now, by grant and by rule; nothing is opened."""
    mine = select(Material).join(Case, Case.case_id == Material.case_id)
    rows = db.scalars(mine.where(Case.client_id == client_id, Material.kind.in_(RECORDED), Material.state == "kept")).all()
    facts = [found for row in rows if (found := recording_facts(db, row)) is not None and found.agreed]
    return sorted({holder_id for found in facts for holder_id in found.asked - found.barred})


def copies_to_give(db: Session, *, actor: SignedIn) -> list[tuple[Material, int]]:
    """Return the recordings whose copy the actor may hand to the client, each with the number of its case; nothing is opened."""
    require(db, actor, Permission.RECORDING_LIST)
    query = select(Material, Case.case_no).join(Case, Case.case_id == Material.case_id)
    query = query.join(CopyWish, CopyWish.material_id == Material.material_id).where(CopyWish.state == GRANTED)
    rows = db.execute(query.where(Case.counsellor_id == actor.holder_id, Material.state == "kept").order_by(CopyWish.asked_on))
    may = Permission.COPY_GIVE
    return [(row, number) for row, number in rows if decide(actor, may, recording_facts(db, row) or Facts()).allowed]


def recordings_in(db: Session, case: Case) -> list[Material]:
    """Return the recordings of a case, erased ones included, the newest first; nothing is opened."""
    query = select(Material).where(Material.case_id == case.case_id, Material.kind.in_(RECORDED))
    return list(db.scalars(query.order_by(Material.number.desc())))


def recorded_under(db: Session, consent_id: UUID) -> list[Material]:
    """Return what was recorded under one consent, for the client, with the day on which it was erased; nothing is opened."""
    query = select(Material).where(Material.consent_id == consent_id, Material.state != "coming")
    return list(db.scalars(query.order_by(Material.number)))


def span_of(size: int, asked: tuple[int, int] | None) -> tuple[int, int] | None:
    """Return (first byte, how many) to give out now, never more than a few MiB; None when more was asked for in one go."""
    if asked is None:
        return (0, size) if size <= MOST_AT_ONCE else None
    return asked[0], min(asked[1], MOST_AT_ONCE)
