"""Begin a session and write its note: drafts, one signature, then addenda only (R6-07, R10-10)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import local, now
from counsel.core.database import house_of
from counsel.core.errors import InvalidError, TransitionError
from counsel.core.rows import Prepared
from counsel.keys.boxes import open_box
from counsel.pathway.assessment.services import doctor_first
from counsel.pathway.cases.dossier import NOTE, Form, read_form, write_form
from counsel.pathway.cases.evidence import Evidence, NoteSigned
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.moving import move
from counsel.pathway.cases.services import case_facts, cover_of, held
from counsel.pathway.intake.consent import consent_given, guardian_settled
from counsel.pathway.intake.levels import evidence_of_screen
from counsel.pathway.sessions.models import FORMATS, FORMS, GROUP, INSIDE_HOURS, CounsellingSession
from counsel.people.conflicts import check_free
from counsel.records.services import open_signed
from counsel.roster.queries import inside_hours, working_deadline

HIGHEST_RATING = 10
SHOWN = (CounsellingSession.number, CounsellingSession.held_on, CounsellingSession.mode)
HELD = Prepared(select(*SHOWN).where(CounsellingSession.case_id == bindparam("case")))
LATELY = timedelta(hours=12)  # a note is begun on the day of its session, or in the night after it


def sessions_of(db: Session, case: Case) -> list[CounsellingSession]:
    """Return a case's sessions, oldest first."""
    query = select(CounsellingSession).where(CounsellingSession.case_id == case.case_id)
    return list(db.scalars(query.order_by(CounsellingSession.number)))


def unsigned_notes(db: Session, holder_id: object) -> list[CounsellingSession]:
    """Return a counsellor's sessions whose note is not signed, the earliest deadline first."""
    query = select(CounsellingSession).where(
        CounsellingSession.counsellor_id == holder_id, CounsellingSession.note_signed.is_(False)
    )
    return list(db.scalars(query.order_by(CounsellingSession.note_due_at)))


def begin_session(
    db: Session, *, actor: SignedIn, case: Case, mode: str, minutes: int, begun_at: datetime | None = None, crisis: bool = False
) -> CounsellingSession:
    """T15: a session of a case in counselling; today's risk screen and the note before it are needed.

    :param mode: one of the service's forms (R7-03); talks, by telephone too, happen inside the set hours (R8-12).
    :param begun_at: when it began, in the last twelve hours; now, when nothing is said.
    :param crisis: held outside them all the same, and marked so.
    :raises TransitionError: ``G2`` when a new notice version must be explained first, ``G3`` while the guardian's part is open,
        ``G5`` when a doctor comes first, ``HOURS``, ``G6``, ``G9``, ``NO_STEP``;
        ``ELSEWHERE`` when a group is entered whose leader has another relationship with the client (篇9 一7).
    :raises InvalidError: no such form; a beginning that is longer ago, or has not come yet.

    Records: ``pathway:session:held``. Rule: 篇10 五; 篇8 七.
    """
    require(db, actor, Permission.CASE_WRITE, case_facts(db, case), object_id=case.case_id)
    begun_at, zone = begun_at or now(), house_of(db).settings.time_zone
    if mode not in FORMS:
        raise InvalidError(mode="unknown")
    if not now() - LATELY <= begun_at <= now():
        raise InvalidError(begun="not_lately")
    consent = consent_given(db, actor=actor, case=case)
    if consent is None:
        raise TransitionError("G2")
    if not guardian_settled(db, actor=actor, case=case, consent=consent):
        raise TransitionError("G3")
    if mode in INSIDE_HOURS and not crisis and not inside_hours(db, case.counsellor_id, begun_at):
        raise TransitionError("HOURS")
    if mode == GROUP:  # whoever leads a group has no other relationship with a member, today's timetable included
        check_free(db, actor, case.client_id, actor.holder_id)
    settings = house_of(db).settings
    with held(db, case) as record:
        if doctor_first(db, actor=actor, case=case):
            raise TransitionError("G5")
        evidence: list[Evidence] = evidence_of_screen(db, case)
        if all(session.note_signed for session in sessions_of(db, case)):
            evidence.append(NoteSigned("G9"))
        move(db, actor=actor, case=case, to="counselling", evidence=evidence)
        last = db.scalar(select(func.max(CounsellingSession.number)).where(CounsellingSession.case_id == case.case_id))
        session = CounsellingSession(
            case_id=case.case_id,
            number=(last or 0) + 1,
            counsellor_id=case.counsellor_id,
            held_on=local(begun_at, zone).date(),
            begun_at=begun_at,
            minutes=minutes,
            mode=mode,
            crisis=crisis,
            note_due_at=working_deadline(now(), settings.note_due_hours, zone),
            note_signed=False,
        )
        db.add(session)
        record.by(actor, "pathway:session:held", subject_id=case.client_id, object_id=case.case_id)
    return session


def read_note(db: Session, *, actor: SignedIn, case: Case, number: int) -> Form:
    """Open a session's note. Records: ``pathway:note:read``. Rule: 篇4 三."""
    return read_form(db, actor=actor, case=case, kind=NOTE, number=number)


def read_notes(db: Session, *, actor: SignedIn, case: Case) -> list[tuple[Any, list[dict[str, Any]]]]:
    """Open every signed note of a case in one go, newest session first: (its number, day and form, note and addenda).

    Records: ``pathway:notes:read``, one line, with how many. Rule: 篇4 三.
    """
    require(db, actor, Permission.NOTE_READ, case_facts(db, case), object_id=case.case_id)
    with recording(db) as record:
        held_ones = {session.number: session for session in HELD.all(db, case=case.case_id)}
        notes = open_signed(db, box=open_box(db, keys_of(db, actor), case.box_id), kind=NOTE.code)
        record.by(actor, "pathway:notes:read", subject_id=case.client_id, object_id=case.case_id, detail=str(len(notes)))
    return [(held_ones[number], texts) for number, texts in notes if number in held_ones]


def write_note(
    db: Session,
    *,
    actor: SignedIn,
    case: Case,
    number: int,
    content: Mapping[str, Any],
    seen_version: int,
    sign: bool = False,
) -> None:
    """Save a note's draft, or sign it.

    :raises InvalidError: signing with an empty part of its format; :raises ConflictError: another tab was faster.
    :raises TransitionError: ``NO_SESSION`` when there was no such session.

    Records: ``pathway:note:drafted`` or ``pathway:note:signed``. Rule: 篇6 5; R6-07.
    """
    require(db, actor, Permission.NOTE_WRITE, case_facts(db, case), object_id=case.case_id)
    session = db.get(CounsellingSession, (case.case_id, number))
    if session is None:
        raise TransitionError("NO_SESSION")
    parts = FORMATS.get(str(content.get("format")))
    if parts is None:
        raise InvalidError(format="unknown")
    rating = str(content.get("goal_rating") or "").strip()
    if rating and not (rating.isascii() and rating.isdecimal() and int(rating[:4]) <= HIGHEST_RATING):
        raise InvalidError(goal_rating="rating")
    if sign:
        empty = {part: "empty" for part in (*parts, "next_on") if not str(content.get(part) or "").strip()}
        if empty:
            raise InvalidError(**empty)
    place = {"seen_version": seen_version, "sign": sign, "number": number}
    if not sign:
        write_form(db, actor=actor, case=case, kind=NOTE, content=content, **place)  # type: ignore[arg-type]
        return
    with recording(db):
        full = {**content, **_known(db, actor, case, session)}
        write_form(db, actor=actor, case=case, kind=NOTE, content=full, **place)  # type: ignore[arg-type]
        db.get_one(CounsellingSession, (case.case_id, number)).note_signed = True


def _known(db: Session, actor: SignedIn, case: Case, session: CounsellingSession) -> dict[str, Any]:
    """Return what a note says of itself once it is signed: day, beginning and end, form, the level in force (F06)."""
    found: dict[str, Any] = {"held_on": session.held_on.isoformat(), "mode": session.mode, "crisis": session.crisis}
    found["level"] = cover_of(db, actor=actor, case=case).level
    if session.begun_at is not None:
        zone, ended = house_of(db).settings.time_zone, session.begun_at + timedelta(minutes=session.minutes)
        begun, ended = local(session.begun_at, zone), local(min(ended, now()), zone)  # nothing is signed before it has been
        found["time"] = f"{begun:%H:%M}–{ended:%H:%M}"
    return found
