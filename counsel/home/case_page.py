"""What the page of one case shows: asks every room of the pathway, opens the cover, the name, goals and homework."""

from collections.abc import Iterable
from datetime import date, time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.archive.completeness import lacking
from counsel.archive.tickets import earlier_volumes, tickets_of
from counsel.audit.chain import recording
from counsel.confidentiality.decide import decide
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import local, now, today
from counsel.core.database import house_of
from counsel.home.forms_shown import TITLES
from counsel.keys.boxes import readers_of
from counsel.pathway.appointments.models import Appointment
from counsel.pathway.cases.agreement import GUARDIAN, answers_of
from counsel.pathway.cases.countersign import second_signature, seconds_of
from counsel.pathway.cases.dossier import ANSWERED, signed_items
from counsel.pathway.cases.models import Case, CaseReader
from counsel.pathway.cases.moving import moves_of
from counsel.pathway.cases.services import case_facts, cover_of
from counsel.pathway.cases.views import SECOND_WORDS
from counsel.pathway.closing.evaluation import ending_number
from counsel.pathway.closing.forms import REASON_WORDS
from counsel.pathway.closing.services import follow_ups_of
from counsel.pathway.intake.consent import age_of, client_of, guardian_settled, present_consent
from counsel.pathway.intake.levels import screen_today
from counsel.pathway.plans.forms import REPLAN_WORDS
from counsel.pathway.plans.services import own_goals
from counsel.pathway.referral.forms import CONFLICT_WORDS, HOLD_WORDS, REACH_WORDS, TRANSFER_WORDS
from counsel.pathway.referral.services import referrals_of, tries_of
from counsel.pathway.sessions.forms import HOMEWORK_WORDS, BeginForm, HomeworkForm
from counsel.pathway.sessions.homework import homework_of
from counsel.pathway.sessions.services import sessions_of
from counsel.people.staff import counsellors, staff_name
from counsel.records.models import Item
from counsel.safeguarding.reports.mandatory import reports_in
from counsel.tasks.models import Task
from counsel.tasks.services import SHOWN_DAYS, tasks_about

TASK_KINDS = ("contact", "report", "inform", "supervise")
COMING = ("confirmed", "offered")
FORM_ORDER = {kind: at for at, kind in enumerate(TITLES)}


def case_page(db: Session, *, actor: SignedIn, case: Case) -> dict[str, Any]:
    """Return everything the page needs; the name and each opened text have their audit lines."""
    with recording(db) as record:
        record.by(actor, "pathway:case:read", subject_id=case.client_id, object_id=case.case_id)
    card = client_of(db, actor=actor, case=case)
    consent = present_consent(db, case) if not _only_before(db, actor, case) else None
    rows = db.query(Appointment).filter_by(client_id=case.client_id, counsellor_id=case.counsellor_id)
    facts = case_facts(db, case)
    assert facts is not None
    follows = decide(actor, Permission.CASE_FOLLOW_UP, facts).allowed
    writes = decide(actor, Permission.CASE_WRITE, facts).allowed
    files = decide(actor, Permission.CASE_HAND_IN, facts).allowed
    return {
        "case": case,
        "cover": cover_of(db, actor=actor, case=case) if not _only_before(db, actor, case) else None,
        "card": card,
        "age": age_of(db, card),
        "items": (items := signed_items(db, case)),
        "done": _signed(items.values()),
        "answers": answers_of(db, case),
        "answered": ANSWERED,
        "guardian_said": answers_of(db, case, GUARDIAN),
        "consent": consent,
        "settled": consent is not None and guardian_settled(db, actor=actor, case=case, consent=consent),
        "second": second_signature(db, consent.countersign_id) if consent else None,
        "sole": len({grant.holder_id for grant in readers_of(db, case.box_id)}) == 1,
        "writes": writes,
        "follows": follows,
        "reports": reports_in(db, actor=actor, case=case),
        "screen": screen_today(db, case),
        "story": _story(db, case),
        "before": db.get_one(Case, case.previous_id).case_no if case.previous_id else None,
        "coming": rows.filter(Appointment.state.in_(COMING)).order_by(Appointment.starts_at).all(),
        "files": files,
        "earlier": earlier_volumes(db, case) if writes else [],
        "tickets": tickets_of(db, case) if writes else {},
        "missing": lacking(db, actor=actor, case=case) if files else [],
        **_work(db, actor, case),
        **_around(db, actor, case),
    }


def _story(db: Session, case: Case) -> list[tuple[date, str, Any]]:
    """Return what happened, the newest day first: (day, ``session``, ``follow_up`` or ``move``, its row)."""
    found: list[tuple[date, str, Any]] = [(row.held_on, "session", row) for row in sessions_of(db, case)]
    found += [(row.settled_on, "follow_up", row) for row in follow_ups_of(db, case) if row.state == "done" and row.settled_on]
    found += [(row.on_day, "move", row) for row in moves_of(db, case)]
    return sorted(found, key=lambda one: (one[0], one[1] == "move", one[2].number), reverse=True)


def _signed(items: Iterable[Item]) -> list[tuple[Item, int]]:
    """Return what is signed, the newest day first and in the order of the forms, each with its place among its kind or 0."""
    done = sorted(
        (item for item in items if item.state == "signed"),
        key=lambda item: (FORM_ORDER.get(item.kind, len(FORM_ORDER)), item.number),
    )
    same = {item.kind: [one.item_id for one in done if one.kind == item.kind] for item in done}
    places = {item.item_id: same[item.kind].index(item.item_id) + 1 if len(same[item.kind]) > 1 else 0 for item in done}
    return sorted(((item, places[item.item_id]) for item in done), key=lambda pair: pair[0].on_day, reverse=True)


def _only_before(db: Session, actor: SignedIn, case: Case) -> bool:
    """Return whether the actor reads what was before a hand-over, and has no key to what came since."""
    row = db.get(CaseReader, (case.case_id, actor.holder_id)) if actor.holder_id else None
    return row is not None and row.purpose == "former"


def _work(db: Session, actor: SignedIn, case: Case) -> dict[str, Any]:
    """Goals and homework are written on after a hand-over: whoever only read before has no key to those."""
    opens = not _only_before(db, actor, case)
    return {
        "sessions": sessions_of(db, case),
        "goals": own_goals(db, actor=actor, case=case) if opens else None,
        "homework": homework_of(db, actor=actor, case=case) if opens else [],
        "referrals": referrals_of(db, case),
        "tries": tries_of(db, case),
        "tasks": _due_soon(db, case),
        "follow_ups": follow_ups_of(db, case),
        "ending": ending_number(db, case),
        "seconds": seconds_of(db, actor=actor, object_id=case.case_id) if opens else [],
        "second_words": SECOND_WORDS,
        "begin": BeginForm(formdata=None, data={"begun": _just_over(db)}),
        "give": HomeworkForm(formdata=None),
        "day": today(house_of(db).settings.time_zone),
    }


def _just_over(db: Session) -> time:
    """Return when a session that has just ended began."""
    settings = house_of(db).settings
    return local(now() - timedelta(minutes=settings.session_minutes), settings.time_zone).time()


def _due_soon(db: Session, case: Case) -> list[Task]:
    """Return the open tasks about a case, without the contacts agreed for later months."""
    soon = now() + timedelta(days=SHOWN_DAYS)
    return [task for task in tasks_about(db, case.case_id, TASK_KINDS) if task.due_at <= soon]


def _around(db: Session, actor: SignedIn, case: Case) -> dict[str, Any]:
    readers = db.query(CaseReader).filter_by(case_id=case.case_id).all()
    return {
        "readers": [(row, staff_name(db, row.holder_id)) for row in readers],
        "people": [(holder, name) for holder, name in counsellors(db) if holder != case.counsellor_id],
        "receiver": staff_name(db, case.transfer_to),
        "transfer_words": TRANSFER_WORDS,
        "conflict_words": CONFLICT_WORDS,
        "hold_words": HOLD_WORDS,
        "reach_words": REACH_WORDS,
        "replan_words": REPLAN_WORDS,
        "move_words": {**REASON_WORDS, **HOLD_WORDS, **TRANSFER_WORDS, **REPLAN_WORDS},
        "homework_words": HOMEWORK_WORDS,
        "reasons": REASON_WORDS,
    }
