"""A yes to a recording is taken back after the case was handed in: nobody has its key then, and none is needed (篇4 四; R4-13).

The row alone stops the use and lets the recording be erased; nothing is written into the sealed case.
"""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.decide import decide
from counsel.confidentiality.facts import NOTHING
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import InvalidError
from counsel.pathway.cases.agreement import OWN
from counsel.pathway.cases.models import PARTIES, WAYS, Agreement, Case
from counsel.pathway.cases.services import case_facts
from counsel.pathway.material.erasing import end_use
from counsel.records.material import RECORDED
from counsel.records.models import Item, Material


@dataclass(frozen=True)
class TakenBack:
    """What was said: by whom and how, about the recordings of one session of a case."""

    case_no: int | None
    session_no: int | None
    party: str
    way: str


def stop_use(db: Session, *, actor: SignedIn, said: TakenBack) -> int:
    """Note that client or guardian takes the yes to a session's recordings back; return how many were erased at once.

    :raises InvalidError: no such case of the actor's, no recording of this session, nobody or no way named.

    Records: ``pathway:agreement:recorded`` for each consent. Rule: 篇4 四; R4-13.
    """
    case = db.scalar(select(Case).where(Case.case_no == said.case_no)) if said.case_no is not None else None
    if case is None or not decide(actor, Permission.RECORDING_STOP, case_facts(db, case) or NOTHING).allowed:
        raise InvalidError(number="no_such_case")
    problems = {} if said.party in PARTIES else {"party": "unknown"}
    problems |= {} if said.way in WAYS and said.way != OWN else {"way": "unknown"}
    items = _admitting(db, case, said.session_no)
    if not items:
        problems["session"] = "no_recording"
    if problems:
        raise InvalidError(**problems)
    with recording(db):
        db.refresh(case, with_for_update=True)
        for item in items:
            _note(db, actor, case, item, said)
    return sum(end_use(db, actor=actor, case=case, item=item) for item in items)


def _admitting(db: Session, case: Case, session_no: int | None) -> list[Item]:
    """Return the consents under which something of this session still lies here."""
    lying = select(Material.consent_id).where(Material.case_id == case.case_id, Material.session_no == session_no)
    lying = lying.where(Material.kind.in_(RECORDED), Material.state != "erased")
    return list(db.scalars(select(Item).where(Item.item_id.in_(lying))))


def _note(db: Session, actor: SignedIn, case: Case, item: Item, said: TakenBack) -> None:
    number = 1 + (db.scalar(select(func.max(Agreement.number)).where(Agreement.case_id == case.case_id)) or 0)
    row = Agreement(case_id=case.case_id, number=number, subject=item.kind, item_id=item.item_id, revision=item.revision)
    row.way, row.party, row.agreed = said.way, said.party, False
    row.on_day = today(house_of(db).settings.time_zone)
    db.add(row)
    db.flush()
    with recording(db) as record:
        what = f"{item.kind} {said.party} {said.way} no"
        tag = "pathway:agreement:recorded"
        record.by(actor, tag, subject_id=case.client_id, object_id=item.item_id, detail=what)
