"""A case's forms: each is an item in one of the case's boxes, drafted, saved, signed once, then only added to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.audit.models import AuditLine
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError
from counsel.keys.boxes import open_box
from counsel.outbox.notices import notify
from counsel.pathway.cases.covers import change_cover
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import case_facts, held, writing_box
from counsel.pathway.cases.wording import forbidden_words
from counsel.people.staff import staff_name
from counsel.records.models import Item
from counsel.records.services import add_addendum, item_of, items_in, open_bodies, put_text


@dataclass(frozen=True)
class FormKind:
    """One of the standard forms.

    :param shared: lies in the box that the client reads too.
    :param needed: fields that a signature needs; `marked`: those that some signatures need, as their own rule says.
    :param conclusions: fields in which words of diagnosis are refused, elsewhere they are only pointed out.
    """

    code: str
    read: Permission
    write: Permission
    shared: bool = False
    needed: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()
    conclusions: tuple[str, ...] = ()


CONSENT = FormKind("F02", Permission.CASE_READ, Permission.CASE_WRITE, shared=True)
INTAKE = FormKind(
    "F03",
    Permission.CASE_READ,
    Permission.CASE_WRITE,
    needed=(
        "presenting_complaint",
        "course",
        "past_help",
        "expectations",
        "in_scope",
        "within_competence",
        "no_conflict",
        "disposition",
    ),
    conclusions=("disposition",),
)
SCREEN = FormKind("screen", Permission.CASE_READ, Permission.CASE_FOLLOW_UP)
RAISED = FormKind("raised", Permission.CASE_READ, Permission.CASE_FOLLOW_UP, needed=("reason",))
ASSESSMENT = FormKind(
    "F04",
    Permission.CASE_READ,
    Permission.CASE_WRITE,
    needed=("main_problem", "severity", "medical_advice", "basis", "causes"),
    conclusions=("causes", "summary"),
)
PLAN = FormKind(
    "F05",
    Permission.CASE_READ,
    Permission.CASE_WRITE,
    shared=True,
    needed=("problem_order", "goals", "method", "number", "frequency", "place", "duties", "progress", "support"),
    conclusions=("goals",),
)
NOTE = FormKind(
    "note",
    Permission.NOTE_READ,
    Permission.NOTE_WRITE,
    marked=(*("data", "subjective", "objective", "behaviour", "intervention", "response"), "assessment", "plan", "next_on"),
    conclusions=("assessment",),
)
PROCESS = FormKind("process", Permission.PROCESS_NOTE, Permission.PROCESS_NOTE)
REFERRAL = FormKind(
    "F08",
    Permission.CASE_READ,
    Permission.CASE_WRITE,
    shared=True,
    needed=("kind", "reason", "target", "phone", "information", "receipt"),
    conclusions=("reason",),
)
HAND_OVER = FormKind(
    "handover",
    Permission.HAND_OVER_READ,
    Permission.CASE_WRITE,
    shared=True,
    needed=("course", "goals", "agreed", "open_matters"),
    conclusions=("course",),
)
CLOSING = FormKind(
    "F10",
    Permission.CASE_READ,
    Permission.CASE_WRITE,
    needed=("summary", "goals_reached", "advice"),
    conclusions=("summary", "goals_reached", "advice"),
)
EVALUATION = FormKind("F11", Permission.CASE_READ, Permission.CASE_WRITE, shared=True, needed=("counsellor_mark", "conclusion"))
FOLLOW_UP = FormKind(
    "F12",
    Permission.CASE_READ,
    Permission.CASE_FOLLOW_UP,
    needed=("channel", "reached", "risk"),
    conclusions=("state",),
)
CRISIS = FormKind(
    "F07",
    Permission.CASE_READ,
    Permission.CASE_FOLLOW_UP,
    needed=("found", "protective", "why", "measures", "notified", "who_stays", "next_review", "duty_needs"),
    conclusions=("why",),
)
SAFETY = FormKind(
    "safety",
    Permission.CASE_READ,
    Permission.CASE_FOLLOW_UP,
    shared=True,
    needed=("signs", "own_steps", "people", "professionals", "means"),
)
SUPPORT = FormKind(
    "support",
    Permission.CASE_READ,
    Permission.CASE_WRITE,
    shared=True,
    needed=("name", "relation", "purpose", "scope", "until"),
)
RECORDING = FormKind("F13", Permission.CASE_READ, Permission.CASE_WRITE, shared=True, needed=("session_no", "media", "until"))
TOLD = FormKind("told", Permission.CASE_READ, Permission.CASE_FOLLOW_UP, needed=("words",))
SUPERVISION = FormKind(
    "F21", Permission.CASE_READ, Permission.CASE_FOLLOW_UP, needed=("with_whom", "on_date", "question", "agreed")
)
RETURN = FormKind(
    "return",
    Permission.CASE_READ,
    Permission.CASE_WRITE,
    needed=("opinion", "sheet_place", "interviewed_on", "found", "contact_plan", "classmates"),
    conclusions=("found", "class_load"),
)
ANSWERED = (CONSENT.code, PLAN.code, REFERRAL.code, HAND_OVER.code, SUPPORT.code, RECORDING.code)  # the client says yes or no
EACH = (SUPPORT.code, RECORDING.code)  # of these every one stands for itself, of the others the newest
PAPER = FormKind("paper", Permission.CASE_READ, Permission.CASE_WRITE)


@dataclass(frozen=True)
class Form:
    """A form as its page needs it. `version` is what a later save must have seen; 0 when nothing is written yet."""

    kind: FormKind
    number: int = 1
    item_id: UUID | None = None
    version: int = 0
    signed: bool = False
    content: Mapping[str, Any] = field(default_factory=dict)
    addenda: tuple[Mapping[str, Any], ...] = ()
    item: Item | None = None


def read_form(db: Session, *, actor: SignedIn, case: Case, kind: FormKind, number: int = 1) -> Form:
    """Open one form of a case.

    Records: ``pathway:<form>:read``. Rule: 篇4 三.
    """
    require(db, actor, kind.read, case_facts(db, case), object_id=case.case_id)
    keyring = keys_of(db, actor)
    box_id = case.shared_box_id if kind.shared else case.box_id
    item = item_of(db, box_id, kind.code, number)
    if item is None:
        return Form(kind, number)
    with recording(db) as record:
        texts = open_bodies(db, box=open_box(db, keyring, box_id), item=item)
        _line(record, actor, case, kind, "read", item)
    signed = item.state == "signed"
    return Form(kind, number, item.item_id, item.draft_version, signed, texts[0], tuple(texts[1:]), item)


def read_item(db: Session, *, actor: SignedIn, case: Case, item: Item, what: str = "read", detail: str = "") -> Form:
    """Open one item of a case by itself, whatever form it is.

    :param what: ``read`` or ``printed``, for the record; `detail`: the reason of a print, as a code.

    Records: ``pathway:<form>:read`` or ``:printed``. Rule: 篇4 三.
    """
    permission = Permission.NOTE_READ if item.kind == NOTE.code else Permission.CASE_READ
    require(db, actor, permission, case_facts(db, case), object_id=case.case_id)
    kind = FormKind(item.kind, permission, Permission.CASE_WRITE, shared=item.box_id == case.shared_box_id)
    with recording(db) as record:
        texts = open_bodies(db, box=open_box(db, keys_of(db, actor), item.box_id), item=item)
        _line(record, actor, case, kind, what, item, detail)
    signed = item.state == "signed"
    return Form(kind, item.number, item.item_id, item.draft_version, signed, texts[0], tuple(texts[1:]), item)


def _line(record: Any, actor: SignedIn, case: Case, kind: FormKind, what: str, item: Item, detail: str = "") -> None:
    tag = f"pathway:{kind.code.lower()}:{what}"
    record.by(actor, tag, subject_id=case.client_id, object_id=item.item_id, detail=detail)


def signer_of(db: Session, case: Case, item: Item) -> str:
    """Return the name of whoever signed a form, empty when the client did."""
    return "" if item.author_id == case.client_id else staff_name(db, item.author_id)


def prints_of(db: Session, item_id: UUID) -> int:
    """Return how often a form has been printed: the number of the newest copy (security A21)."""
    lines = select(func.count()).select_from(AuditLine).where(AuditLine.object_id == item_id, AuditLine.tag.like("%:printed"))
    return db.scalar(lines) or 0


def write_form(
    db: Session,
    *,
    actor: SignedIn,
    case: Case,
    kind: FormKind,
    content: Mapping[str, Any],
    seen_version: int,
    sign: bool = False,
    number: int = 1,
    cover: Mapping[str, object] | None = None,
) -> Item:
    """Save a draft, or sign it.

    :param seen_version: the version the page was made from, 0 for a new form.
    :param cover: what changes on the case's cover in the same transaction.
    :raises ConflictError: another tab was faster, or it is signed; what was typed stays with the caller.
    :raises InvalidError: signing with a needed field empty, or words of diagnosis in a conclusion.

    Records: ``pathway:<form>:drafted`` or ``:signed``. Rule: 篇6 5; R6-07.
    """
    require(db, actor, kind.write, case_facts(db, case), object_id=case.case_id)
    if sign:
        _check_complete(kind, content)
    with held(db, case) as record:
        box = writing_box(db, actor=actor, case=case, shared=kind.shared)
        place = {"content": content, "seen_version": seen_version, "number": number, "sign": sign}
        item = put_text(db, box=box, kind=kind.code, keyring=keys_of(db, actor), **place)  # type: ignore[arg-type]
        if sign and kind.code in ANSWERED:
            notify(db, reader_id=case.client_id, kind="form_waits", object_id=item.item_id)
        if cover:
            assert not kind.shared, "the cover lies in the case's own box"
            change_cover(db, box, case, **cover)
        _line(record, actor, case, kind, "signed" if sign else "drafted", item)
    return item


def append_to_form(db: Session, *, actor: SignedIn, case: Case, kind: FormKind, number: int, text: str) -> None:
    """Add an addendum to a signed form; the signed text stays as it is (篇4 六; R6-07).

    Records: ``pathway:<form>:appended``.
    """
    require(db, actor, kind.write, case_facts(db, case), object_id=case.case_id)
    if not text.strip():
        raise InvalidError(addendum="empty")
    keyring = keys_of(db, actor)
    with held(db, case) as record:
        box = writing_box(db, actor=actor, case=case, shared=kind.shared)
        item = item_of(db, box.box_id, kind.code, number)
        if item is None:
            raise ConflictError("unsigned")
        said = {"text": text, "by": actor.name, "on": today(house_of(db).settings.time_zone).isoformat()}
        add_addendum(db, box=box, item=item, keyring=keyring, content=said)
        _line(record, actor, case, kind, "appended", item)


def _check_complete(kind: FormKind, content: Mapping[str, Any]) -> None:
    problems = {name: "empty" for name in kind.needed if not str(content.get(name) or "").strip()}
    for name in kind.conclusions:
        if forbidden_words(str(content.get(name) or "")):
            problems[name] = "diagnosis"
    if problems:
        raise InvalidError(**problems)


def signed_items(db: Session, case: Case) -> dict[tuple[str, int], Item]:
    """Return the items of both boxes by kind and number, without bodies."""
    return {(item.kind, item.number): item for item in items_in(db, [case.box_id, case.shared_box_id])}
