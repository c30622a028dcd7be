"""The yes is taken back: nobody hears it from then on, and the recording is erased the same day (篇4 四; R4-13).

Two things stop the erasing, never the end of the use: a hold for the law, and the client's own wish for a copy, on which
the director decides. Erasing destroys the lock and needs no key, so that no colleague and no lost key can delay it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError
from counsel.core.ids import new_id
from counsel.outbox.notices import notify
from counsel.pathway.cases.dossier import RECORDING
from counsel.pathway.cases.models import Case
from counsel.pathway.material.consent import is_withdrawn, may_be_heard
from counsel.pathway.material.models import CopyWish, LegalHold
from counsel.pathway.material.recordings import GRANTED, recording_facts
from counsel.people.deputies import tell_directors
from counsel.records.material import RECORDED, erase
from counsel.records.models import Item, Material


@dataclass(frozen=True)
class Wished:
    """A recording whose erasing waits, as the director sees it: of which case and session, and what was decided."""

    wish: CopyWish
    row: Material
    case_no: int


def end_use(db: Session, *, actor: SignedIn, case: Case, item: Item, copy: bool = False) -> int:
    """After an answer to a form: when it took back the yes to a recording, erase what it admitted; return how many.

    :param copy: the client wishes a copy first; then the director decides, and nobody hears it meanwhile.

    Records: ``pathway:recording:erased`` for each, ``pathway:copy:wished``. Rule: R4-13.
    """
    if item.kind != RECORDING.code or not is_withdrawn(db, item.item_id):
        return 0
    rows = db.scalars(_lying().where(Material.consent_id == item.item_id)).all()
    if copy:
        _wish(db, actor, case, [row for row in rows if row.state == "kept"])
    return _erase(db, rows)


def _lying() -> Select[Material]:
    return select(Material).where(Material.kind.in_(RECORDED), Material.state != "erased").order_by(Material.material_id)


def _wish(db: Session, actor: SignedIn, case: Case, rows: Sequence[Material]) -> None:
    day = today(house_of(db).settings.time_zone)
    with recording(db) as record:
        for row in rows:
            if db.get(CopyWish, row.material_id) is None:
                db.add(CopyWish(material_id=row.material_id, state="asked", asked_on=day))
                record.by(actor, "pathway:copy:wished", subject_id=case.client_id, object_id=row.material_id)
        if rows:
            tell_directors(db, kind="recording", client_id=case.client_id, object_id=case.case_id)


def _erase(db: Session, rows: Sequence[Material]) -> int:
    """Erase what nothing holds back, one by one; a crash in between is finished by the job."""
    count = 0
    for row in rows:
        if row.state == "erased" or may_be_heard(db, row) or _is_held_back(db, row):
            continue
        case = db.get_one(Case, row.case_id)
        with recording(db) as record:
            record.line("pathway:recording:erased", subject_id=case.client_id, object_id=row.material_id)
        erase(db, row)
        count += 1
    return count


def _is_held_back(db: Session, row: Material) -> bool:
    wish, settings = db.get(CopyWish, row.material_id), house_of(db).settings
    if wish is None or wish.state == "ended":
        return is_held(db, row.case_id)
    waits = today(settings.time_zone) <= wish.asked_on + timedelta(days=settings.copy_wish_days)
    return waits or is_held(db, row.case_id)


def erase_what_ended(db: Session) -> str:
    """Erase recordings whose yes was taken back or whose day is over; a job, which needs no key; twice changes nothing.

    Records: ``pathway:recording:erased`` for each.
    """
    return f"{_erase(db, db.scalars(_lying()).all())} recordings"


def wishes(db: Session, *, actor: SignedIn) -> list[Wished]:
    """Return the wishes that are not settled, the oldest first, for the director; nothing is opened."""
    require(db, actor, Permission.COPY_DECIDE)
    query = select(CopyWish, Material, Case.case_no).join(Material, Material.material_id == CopyWish.material_id)
    query = query.join(Case, Case.case_id == Material.case_id).where(CopyWish.state != "ended", Material.state != "erased")
    return [Wished(*row) for row in db.execute(query.order_by(CopyWish.asked_on, CopyWish.material_id))]


def decide_wish(db: Session, *, actor: SignedIn, material_id: UUID | None, give: bool) -> None:
    """Let the client have a copy before it is erased, or have it erased without, also when nobody has handed it over.

    :raises ConflictError: it has been decided.

    Records: ``pathway:copy:granted`` or ``:refused``. Rule: R4-13.
    """
    row = db.get(Material, material_id) if material_id is not None else None
    require(db, actor, Permission.COPY_DECIDE, recording_facts(db, row), object_id=material_id)
    assert row is not None
    case = db.get_one(Case, row.case_id)
    with recording(db) as record:
        _settle(db, row, ("asked",) if give else ("asked", GRANTED), GRANTED if give else "ended")
        record.by(actor, f"pathway:copy:{'granted' if give else 'refused'}", subject_id=case.client_id, object_id=row.material_id)
        if give:
            notify(db, reader_id=case.counsellor_id, kind="recording", object_id=case.case_id)
    _erase(db, [row])


def _settle(db: Session, row: Material, was: tuple[str, ...], to: str) -> None:
    wish = db.get(CopyWish, row.material_id)
    if wish is not None:
        db.refresh(wish, with_for_update=True)
    if wish is None or wish.state not in was:
        raise ConflictError("task_ended")
    wish.state = to
    wish.ended_on = today(house_of(db).settings.time_zone) if to == "ended" else None
    db.flush()


def copy_given(db: Session, *, actor: SignedIn, row: Material) -> None:
    """The client has the copy: the recording is erased.

    Records: ``pathway:copy:given``.
    """
    require(db, actor, Permission.COPY_GIVE, recording_facts(db, row), object_id=row.material_id)
    case = db.get_one(Case, row.case_id)
    with recording(db) as record:
        _settle(db, row, (GRANTED,), "ended")
        record.by(actor, "pathway:copy:given", subject_id=case.client_id, object_id=row.material_id)
    _erase(db, [row])


def is_held(db: Session, case_id: UUID) -> bool:
    """Return whether a hold for the law stands over a case (G15)."""
    query = select(LegalHold.hold_id).where(LegalHold.case_id == case_id, LegalHold.lifted_on.is_(None))
    return db.scalar(query.limit(1)) is not None


def holds(db: Session, *, actor: SignedIn) -> list[tuple[LegalHold, int]]:
    """Return the holds that stand, with the number of the case, the oldest first."""
    require(db, actor, Permission.HOLD_SET)
    query = select(LegalHold, Case.case_no).join(Case, Case.case_id == LegalHold.case_id).where(LegalHold.lifted_on.is_(None))
    return [(row[0], row[1]) for row in db.execute(query.order_by(LegalHold.set_on, LegalHold.hold_id))]


def set_hold(db: Session, *, actor: SignedIn, number: int | None) -> None:
    """Hold everything of a case for the law: nothing of it is erased until the hold is lifted; reading goes on as before.

    :raises InvalidError: no such case; one that is held already stays so.

    Records: ``pathway:hold:set``. Rule: R4-13; G15.
    """
    require(db, actor, Permission.HOLD_SET)
    case = db.scalar(select(Case).where(Case.case_no == number)) if number is not None else None
    if case is None:
        raise InvalidError(number="no_such_case")
    with recording(db) as record:
        db.refresh(case, with_for_update=True)
        if not is_held(db, case.case_id):
            day = today(house_of(db).settings.time_zone)
            db.add(LegalHold(hold_id=new_id(), case_id=case.case_id, set_by=actor.holder_id, set_on=day))
            record.by(actor, "pathway:hold:set", subject_id=case.client_id, object_id=case.case_id)


def lift_hold(db: Session, *, actor: SignedIn, hold_id: UUID | None) -> None:
    """Lift a hold; what waited for it is erased at once.

    Records: ``pathway:hold:lifted``.
    """
    row = db.get(LegalHold, hold_id) if hold_id is not None else None
    require(db, actor, Permission.HOLD_SET, Facts() if row is not None else None, object_id=hold_id)
    assert row is not None
    case = db.get_one(Case, row.case_id)
    with recording(db) as record:
        db.refresh(row, with_for_update=True)
        if row.lifted_on is None:
            row.lifted_on = today(house_of(db).settings.time_zone)
            record.by(actor, "pathway:hold:lifted", subject_id=case.client_id, object_id=case.case_id)
    _erase(db, db.scalars(_lying().where(Material.case_id == case.case_id)).all())
