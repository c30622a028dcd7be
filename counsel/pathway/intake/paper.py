"""T00: take a running case over from paper in mid-term, counsellor and director together (篇4 二; 篇10 二).

The sheets stay where they lie; here stand their dates and counts. Consent, limits and risk are asked anew before the next note.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError, TransitionError
from counsel.pathway.appointments.reception import person_present
from counsel.pathway.appointments.requests import open_case_for
from counsel.pathway.cases.countersign import ask_second_signature, signed_reasons
from counsel.pathway.cases.dossier import PAPER, write_form
from counsel.pathway.cases.evidence import ConflictClear, Evidence, IdentityMatched, PaperHeld, SecondSigned
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.opening import open_case
from counsel.people.cards import client_cards, write_client
from counsel.people.conflicts import check_free
from counsel.tasks.models import Task

CODE = "T00"
NEEDED = {
    "assessment": ("F02", "F03"),
    "planning": ("F02", "F03", "F04"),
    "counselling": ("F02", "F03", "F04", "F05"),
}
SHEETS = ("F02", "F03", "F04", "F05", "notes")
MOST_SHEETS = 500
MOST_TALKS = 200


@dataclass(frozen=True)
class Takeover:
    """A case on paper.

    :param state: where it stands: assessment, planning or counselling.
    :param sheets: F02 to F05 and the notes → the day on the sheet (the newest) and how many sheets.
    :param place: where they lie.
    :param began_on: the day of the first talk on paper; `talks`: how many were held since, for the closing report.
    """

    student_no: str
    state: str
    sheets: Mapping[str, tuple[date | None, int]]
    place: str
    no_conflict: bool
    reason: str
    began_on: date | None
    talks: int | None


def ask_takeover(db: Session, *, actor: SignedIn, wish: Takeover) -> Task:
    """Ask the director to sign that a running case is taken over from paper.

    :raises InvalidError: not on the roll, a form of the state without day and count, no place, no declaration, no reason.
    :raises TransitionError: ``PAPER_OFF`` by setting, ``OTHER_COUNSELLOR`` when a case is running here already,
        ``ELSEWHERE`` with another relationship.

    Records: ``pathway:countersign:asked``.
    """
    require(db, actor, Permission.CASE_FROM_PAPER)
    settings = house_of(db).settings
    if not settings.paper_takeover:
        raise TransitionError("PAPER_OFF")
    problems = _problems(wish, today(settings.time_zone))
    if problems:
        raise InvalidError(**problems)
    with recording(db):
        client_id, card = person_present(db, actor, wish.student_no, "")
        write_client(db, client_id=client_id, card=card)
        check_free(db, actor, client_id, actor.holder_id)
        if open_case_for(db, client_id) is not None:
            raise TransitionError("OTHER_COUNSELLOR")
        held = {name: [day.isoformat() if day else "", count] for name, (day, count) in wish.sheets.items()}
        began = wish.began_on.isoformat() if wish.began_on else ""
        told = {"state": wish.state, "sheets": held, "place": wish.place, "reason": wish.reason, "began_on": began}
        content = {"code": CODE, "by": actor.name, "talks": wish.talks, **told}
        return ask_second_signature(db, actor=actor, client_id=client_id, object_id=client_id, content=content)


def _problems(wish: Takeover, day: date) -> dict[str, str]:
    found = {}
    for name in NEEDED.get(wish.state, ()):
        held, count = wish.sheets.get(name, (None, 0))
        if held is None or held > day:
            found[f"{name}_on"] = "not_yet" if held else "empty"
        if not 0 < count <= MOST_SHEETS:
            found[f"{name}_sheets"] = "unknown"
    if wish.began_on is None or wish.began_on > day:
        found["began_on"] = "not_yet" if wish.began_on else "empty"
    if wish.talks is None or not 0 <= wish.talks <= MOST_TALKS:
        found["talks"] = "unknown" if wish.talks is not None else "empty"
    if wish.state not in NEEDED:
        found["state"] = "unknown"
    if not wish.student_no:
        found["student_no"] = "empty"
    if not wish.place.strip():
        found["place"] = "empty"
    if not wish.reason.strip():
        found["reason"] = "empty"
    if not wish.no_conflict:
        found["no_conflict"] = "unread"
    return found


def takeovers(db: Session, *, actor: SignedIn) -> list[Task]:
    """Return the actor's own wishes that no case has come of yet, the newest first."""
    require(db, actor, Permission.CASE_FROM_PAPER)
    own = select(Task).where(Task.kind == "countersign", Task.requester_id == actor.staff_id, Task.object_id == Task.client_id)
    return list(db.scalars(own.order_by(Task.due_at.desc())))


def open_from_paper(db: Session, *, actor: SignedIn, task_id: UUID | None) -> Case:
    """T00: open the case that the director has signed for, where it stands on paper; its sheets are listed in it.

    :raises ConflictError: ``task_ended``, when the case has been opened already.
    :raises TransitionError: ``SECOND`` before the director has signed, ``CREDENTIAL``, ``ELSEWHERE``.

    Records: ``pathway:case:opened``, ``pathway:paper:signed``. Rule: 篇4 二; 篇10 二.
    """
    with recording(db):
        task = next((row for row in takeovers(db, actor=actor) if row.task_id == task_id), None)
        if task is None or task.client_id is None:
            raise ConflictError("task_ended")
        db.refresh(task, with_for_update=True)
        signed = signed_reasons(db, actor=actor, object_id=task.client_id, code=CODE)
        words = next((said for row, said in signed if row.task_id == task.task_id), None)
        if words is None:
            raise TransitionError("SECOND")
        case = _open(db, actor, task, words)
        task.object_id = case.case_id
        return case


def _open(db: Session, actor: SignedIn, task: Task, words: Mapping[str, Any]) -> Case:
    assert task.client_id is not None
    check_free(db, actor, task.client_id, actor.holder_id)
    proof = task.task_id
    evidence: list[Evidence] = [IdentityMatched("G1", task.client_id), ConflictClear("G4", proof)]
    evidence += [PaperHeld("PAPER", proof), SecondSigned("SECOND", proof)]
    initial = client_cards(db, keys_of(db, actor), [task.client_id])[task.client_id].initial
    case = open_case(
        db, actor=actor, client_id=task.client_id, initial=initial, source="paper", evidence=evidence, to=str(words["state"])
    )
    db.flush()
    content = {name: words.get(name) for name in ("state", "sheets", "place", "began_on", "talks")}
    write_form(db, actor=actor, case=case, kind=PAPER, content=content, seen_version=0, sign=True)
    return case
