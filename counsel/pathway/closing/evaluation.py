"""The joint evaluation F11: the client's five marks, the counsellor's part, or the waiver (篇10 六; R10-13)."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError, TransitionError
from counsel.core.told import told
from counsel.keys.boxes import open_box
from counsel.pathway.cases.dossier import EVALUATION, FormKind, read_form, write_form
from counsel.pathway.cases.evidence import Evaluated, Evidence
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import case_facts, writing_box
from counsel.pathway.closing.models import WAIVERS, Evaluation
from counsel.pathway.sessions.services import sessions_of
from counsel.records.models import Item
from counsel.records.services import newest_number, open_bodies, write_signed

MARKS = ("understood", "useful", "goal", "change", "again")  # each 1 to 5
KIND = "rating"
OWN = "own_sign_in"
OTHERWISE = ("by_phone", "on_paper")  # said to the counsellor


def ending_number(db: Session, case: Case) -> int:
    """Return the number that a report and an evaluation have today: one for each number of sessions to look back on.

    What was signed before a further session does not end the case any more; it stays in the file beside its successor.
    """
    return 1 + len(sessions_of(db, case))


def words_before(db: Session, *, actor: SignedIn, case: Case, kind: FormKind) -> Mapping[str, Any]:
    """Return what the last report or evaluation before a further session said, with which a new one begins."""
    before = newest_number(db, case.shared_box_id if kind.shared else case.box_id, kind.code)
    return read_form(db, actor=actor, case=case, kind=kind, number=before).content


def evaluation_of(db: Session, case: Case) -> Evaluation | None:
    """Return the row of the present ending, or None: marks and waivers given before a further session are answered anew."""
    row = db.get(Evaluation, case.case_id)
    return row if row is not None and row.number == ending_number(db, case) else None


def rate(
    db: Session, *, actor: SignedIn, case: Case, marks: Mapping[str, int], words: str, way: str = OWN, sheet_place: str = ""
) -> Evaluation:
    """The client's part: five marks and what has changed; by own sign-in, or said to the counsellor in another way.

    :raises InvalidError: a mark that is missing or not 1 to 5, an unknown way, paper without its place.
    :raises ConflictError: the client has answered already.

    Records: ``pathway:evaluation:given``. Rule: 篇10 六.
    """
    own = actor.client_id is not None
    facts = Facts(client_id=case.client_id) if own else case_facts(db, case)
    require(db, actor, Permission.FILE_OWN if own else Permission.CASE_WRITE, facts, object_id=case.case_id)
    if case.state in ("closed", "archived"):
        raise TransitionError("NO_STEP")
    problems = {name: "mark" for name in MARKS if marks.get(name) not in range(1, 6)}
    if way not in (OWN, *OTHERWISE) or own != (way == OWN):
        problems["way"] = "unknown"
    if way == "on_paper" and not sheet_place.strip():
        problems["sheet_place"] = "empty"
    if problems:
        raise InvalidError(**problems)
    words, place = told("words", words, needed=False), told("sheet_place", sheet_place, most=200, needed=False)
    keyring = keys_of(db, actor)
    with recording(db) as record:
        row = _row(db, case)
        if row.client_item_id is not None:
            raise ConflictError("faster")
        shared = case.shared_box_id
        box = open_box(db, keyring, shared, for_writing=True) if own else writing_box(db, actor=actor, case=case, shared=True)
        content = {**{name: marks[name] for name in MARKS}, "words": words, "way": way, "sheet_place": place}
        item = write_signed(db, box=box, kind=KIND, keyring=keyring, content=content, number=row.number)
        row.client_item_id, row.waiver = item.item_id, None
        record.by(actor, "pathway:evaluation:given", subject_id=case.client_id, object_id=case.case_id)
    return row


def _row(db: Session, case: Case) -> Evaluation:
    """Return the row of the present ending; the answers to an earlier one are let go, what was written stays in the file."""
    row = db.get(Evaluation, case.case_id, with_for_update=True, populate_existing=True)
    number, day = ending_number(db, case), today(house_of(db).settings.time_zone)
    if row is None:
        row = Evaluation(case_id=case.case_id, number=number, on_day=day)
        db.add(row)
    elif row.number != number:
        row.number, row.on_day = number, day
        row.client_item_id, row.waiver, row.letter_on = None, None, None
    return row


def decline_evaluation(db: Session, *, actor: SignedIn, case: Case) -> Evaluation:
    """The client would rather not: one gentle offer, one no, and that is respected (篇9 二2).

    Records: ``pathway:evaluation:declined``.
    """
    require(db, actor, Permission.FILE_OWN, Facts(client_id=case.client_id), object_id=case.case_id)
    if case.state in ("closed", "archived"):
        raise TransitionError("NO_STEP")
    return _waive(db, actor, case, "declined")


def waive_evaluation(db: Session, *, actor: SignedIn, case: Case, reason: str) -> Evaluation:
    """Note why the client's part cannot be had; the absence stays visible in the record (R10-13).

    :raises InvalidError: no such reason. Records: ``pathway:evaluation:waived``.
    """
    require(db, actor, Permission.CASE_WRITE, case_facts(db, case), object_id=case.case_id)
    if reason not in WAIVERS or reason == "declined":
        raise InvalidError(reason="unknown")
    return _waive(db, actor, case, reason)


def _waive(db: Session, actor: SignedIn, case: Case, reason: str) -> Evaluation:
    with recording(db) as record:
        row = _row(db, case)
        if row.client_item_id is None:
            row.waiver = reason
        what = "declined" if reason == "declined" else "waived"
        record.by(actor, f"pathway:evaluation:{what}", subject_id=case.client_id, object_id=case.case_id, detail=reason)
    return row


def last_letter(db: Session, case: Case) -> None:
    """Note that the last kind message stands on the client's page from today on."""
    row = _row(db, case)
    row.letter_on = today(house_of(db).settings.time_zone)


def write_evaluation(
    db: Session, *, actor: SignedIn, case: Case, content: Mapping[str, Any], seen_version: int, sign: bool
) -> None:
    """The counsellor's part of F11. Records: ``pathway:f11:drafted`` or ``:signed``. Rule: 篇10 六."""
    place = {"seen_version": seen_version, "sign": sign, "number": ending_number(db, case)}
    write_form(db, actor=actor, case=case, kind=EVALUATION, content=content, **place)  # type: ignore[arg-type]


def client_marks(db: Session, *, actor: SignedIn, case: Case) -> dict[str, Any]:
    """Open the client's part, empty when there is none. Records: ``pathway:evaluation:read``."""
    row = evaluation_of(db, case)
    item = db.get(Item, row.client_item_id) if row is not None and row.client_item_id is not None else None
    if item is None:
        return {}
    with recording(db) as record:
        record.by(actor, "pathway:evaluation:read", subject_id=case.client_id, object_id=item.item_id)
    return open_bodies(db, box=open_box(db, keys_of(db, actor), case.shared_box_id), item=item)[0]


def evidence_of_evaluation(db: Session, *, actor: SignedIn, case: Case) -> list[Evidence]:
    """Return G10: both parts of the evaluation, or the waiver of the client's."""
    row = evaluation_of(db, case)
    if row is None:
        return []
    if row.waiver is not None:
        return [Evaluated("G10", case.case_id)]
    form = read_form(db, actor=actor, case=case, kind=EVALUATION, number=row.number)
    both = form.signed and bool(client_marks(db, actor=actor, case=case))
    return [Evaluated("G10", row.client_item_id)] if both else []
