"""Power cuts and full disks: cut off at every single statement the database is as it was; nothing is ever half-written."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from counsel.access.models import Account
from counsel.access.sign_ins import open_sign_in
from counsel.app import create_app
from counsel.audit.chain import verify_chain
from counsel.confidentiality.roles import Role
from counsel.core.clock import now, today
from counsel.core.database import Base, writing
from counsel.jobs.runner import run_jobs
from counsel.pathway.appointments.alarms import raise_alarm
from counsel.pathway.appointments.booking import book
from counsel.pathway.appointments.concerns import raise_concern
from counsel.pathway.appointments.duty import call_duty, finish_task
from counsel.pathway.appointments.models import Appointment, TalkOffer
from counsel.pathway.appointments.reception import (
    cancel_for_centre,
    check_in,
    confirm_request,
    note_absence,
    offer_time,
    register_walk_in,
)
from counsel.pathway.appointments.requests import accept_offer, cancel_own, move_own
from counsel.pathway.appointments.talks import answer_talk, offer_talk
from counsel.pathway.assessment.services import finish_assessment, write_assessment
from counsel.pathway.cases.agreement import record_agreement
from counsel.pathway.cases.countersign import ask_second_signature, give_second_signature
from counsel.pathway.cases.dossier import NOTE, PLAN, append_to_form
from counsel.pathway.cases.models import Case
from counsel.pathway.intake.consent import record_consent
from counsel.pathway.intake.levels import record_screen
from counsel.pathway.intake.services import decide_intake, receive_client, sign_intake
from counsel.pathway.plans.services import finish_plan, write_plan
from counsel.pathway.sessions.services import begin_session, write_note
from counsel.people.addresses import set_own_address
from counsel.people.deputies import name_deputy
from counsel.people.guardians import import_guardians
from counsel.people.guests import register_guest
from counsel.people.invitations import activate, invite_staff, invite_student
from counsel.people.recovery import confirm_code
from counsel.people.roll import import_students
from counsel.people.staff import dismiss, record_education, vouch_for
from counsel.people.timetable import import_timetable
from counsel.records.services import item_of
from counsel.roster.services import add_room, set_duty
from counsel.tasks.models import Task
from tests.conftest import Centre
from tests.school import ROLL
from tests.services.test_time_alone import wish
from tests.story import (
    ALL_NO,
    ASSESSED,
    CALM,
    INTAKE_CONTENT,
    NOTE_CONTENT,
    PLAN_CONTENT,
    consent_content,
    on_duty,
    open_the_centre,
    slot_with,
)

Step = tuple[str, Callable[[], Any]]
WRITES = ("INSERT", "UPDATE", "DELETE")


READS_FIRST = ("consent", "on", "assessed", "planned")  # a name or signed forms are read beforehand, each with a line of its own


def snapshot(db: Session, audit: bool = True) -> dict[str, list[str]]:
    """Return every row of every table, as text."""
    tables = [table for table in Base.metadata.sorted_tables if audit or not table.name.startswith("audit")]
    return {table.name: sorted(map(repr, db.execute(table.select()))) for table in tables}


def cut_everywhere(centre: Centre, act: Callable[[], Any], audit: bool = True) -> int:
    """Run an act with the power failing at its first write, its second, … until it gets through; return the cuts."""
    engine = centre.db.get_bind().engine
    with centre.session() as fresh:
        before = snapshot(fresh, audit)
    cut = 1
    while True:
        count = 0

        def trip(_conn: object, _cursor: object, statement: str, *_more: object, at: int = cut) -> None:
            nonlocal count
            if statement.split()[0] in WRITES:
                count += 1
                if count == at:
                    raise KeyboardInterrupt

        event.listen(engine, "before_cursor_execute", trip)
        try:
            act()
            break
        except KeyboardInterrupt:
            cut += 1
        finally:
            event.remove(engine, "before_cursor_execute", trip)
        centre.db.rollback()
        with centre.session() as fresh:
            assert snapshot(fresh, audit) == before, f"half-written at statement {cut - 1}"
    with centre.session() as fresh:
        assert snapshot(fresh, audit) != before
        assert verify_chain(fresh).broken_at is None
    return cut - 1


def first(centre: Centre, kind: Any, *where: Any) -> Any:
    """Return the newest row of a kind."""
    return centre.db.scalars(select(kind).where(*where)).all()[-1]


def booking_steps(centre: Centre) -> list[Step]:
    """From a wish to a client who has been received, and every way a time can change."""
    db, school = centre.db, centre.school
    student, desk, duty = school["S2024001"], school["desk"], on_duty(centre)

    def newest() -> Any:
        return first(centre, Appointment, Appointment.state.in_(("requested", "confirmed", "offered")))

    def time_of(**what: str) -> Any:
        return db.query(Appointment).filter_by(**what).one().appointment_id

    def task(kind: str) -> Any:
        return first(centre, Task, Task.kind == kind).task_id

    return [
        ("alarm", lambda: raise_alarm(db, actor=student, answers={**CALM, "q1": "yes"})),
        ("end the task", lambda: finish_task(db, actor=duty, task_id=task("contact"), outcome="reached_safe")),
        ("book", lambda: book(db, actor=student, wish=wish(centre))),
        ("move", lambda: move_own(db, actor=student, appointment_id=newest().appointment_id, slot_key=slot_with(centre).key)),
        ("cancel", lambda: cancel_own(db, actor=student, appointment_id=newest().appointment_id)),
        ("book again", lambda: book(db, actor=student, wish=wish(centre))),
        ("confirm", lambda: confirm_request(db, actor=duty, appointment_id=newest().appointment_id)),
        ("offer", lambda: offer_time(db, actor=desk, appointment_id=newest().appointment_id, slot_key=slot_with(centre).key)),
        ("accept", lambda: accept_offer(db, actor=student, appointment_id=time_of(state="offered"))),
        ("walk in", lambda: register_walk_in(db, actor=desk, student_no="", name="客", slot_key=slot_with(centre, "qiu").key)),
        ("cancel here", lambda: cancel_for_centre(db, actor=desk, appointment_id=time_of(source="walk_in"), reason="room")),
        ("call duty", lambda: call_duty(db, actor=desk)),
        ("concern", lambda: raise_concern(db, actor=school["teacher"], about="某", text="总趴着")),
        ("offer a talk", lambda: offer_talk(db, actor=duty, task_id=task("review"), student_no="S2024002")),
        ("answer", lambda: answer_talk(db, actor=school["S2024002"], offer_id=first(centre, TalkOffer).offer_id, accepted=True)),
    ]  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest) -> Centre:
    """A centre with hours and duty."""
    centre: Centre = request.getfixturevalue("sqlite_centre" if request.param == "sqlite" else "pg_centre")
    open_the_centre(centre)
    return centre


def test_booking_is_whole_or_not_at_all(opened: Centre) -> None:
    """Each act of booking, reception and duty, cut at each of its writes."""
    cuts = {name: cut_everywhere(opened, act) for name, act in booking_steps(opened)}
    assert all(count >= 2 for count in cuts.values()), cuts


def case_steps(centre: Centre, case: Case) -> list[Step]:
    """Every form and move of a case up to a signed note with an addendum."""
    db, lan, director = centre.db, centre.school["lan"], centre.school["director"]
    on = {"actor": lan, "case": case}
    about = {"actor": lan, "client_id": case.client_id, "object_id": case.case_id}

    def plan() -> Any:
        return item_of(db, case.shared_box_id, PLAN.code)

    return [
        ("consent", lambda: record_consent(db, **on, content=consent_content())),
        ("screen", lambda: record_screen(db, **on, answers=ALL_NO, ticks=frozenset(), keeping="")),
        ("second signature", lambda: ask_second_signature(db, **about, content={"code": "E1", "reason": "x"})),
        ("sign it", lambda: give_second_signature(db, actor=director, task_id=first(centre, Task).task_id, agreed=True)),
        ("intake", lambda: sign_intake(db, **on, content=INTAKE_CONTENT, seen_version=0)),
        ("on", lambda: decide_intake(db, **on, to="assessment")),
        ("assess", lambda: write_assessment(db, **on, content=ASSESSED, seen_version=0, sign=True, number=1)),
        ("assessed", lambda: finish_assessment(db, **on)),
        ("plan", lambda: write_plan(db, **on, content=PLAN_CONTENT, seen_version=0, sign=True, number=1)),
        ("yes", lambda: record_agreement(db, **on, item=plan(), way="by_phone", agreed=True)),
        ("planned", lambda: finish_plan(db, **on)),
        ("begin", lambda: begin_session(db, **on, mode="in_person", minutes=50, crisis=True)),
        ("draft", lambda: write_note(db, **on, number=1, content=NOTE_CONTENT, seen_version=0)),
        ("draft again", lambda: write_note(db, **on, number=1, content=NOTE_CONTENT, seen_version=1)),
        ("sign", lambda: write_note(db, **on, number=1, content=NOTE_CONTENT, seen_version=2, sign=True)),
        ("append", lambda: append_to_form(db, **on, kind=NOTE, number=1, text="补记")),
        ("address", lambda: set_own_address(db, actor=lan, channel="mail", address="lan@school.example", language="en")),
    ]  # fmt: skip


def test_a_case_is_whole_or_not_at_all(opened: Centre) -> None:
    """From T01 to an addendum, cut at each write."""
    centre = opened
    row = book(centre.db, actor=centre.school["S2024001"], wish=wish(centre))
    confirm_request(centre.db, actor=on_duty(centre), appointment_id=row.appointment_id)
    with time_machine.travel(row.starts_at, tick=True):
        cut_everywhere(centre, lambda: check_in(centre.db, actor=centre.school["desk"], appointment_id=row.appointment_id))
        cuts = cut_everywhere(
            centre, lambda: receive_client(centre.db, actor=centre.school["lan"], appointment_id=row.appointment_id)
        )
    assert cuts > 10
    case = centre.db.scalars(select(Case)).one()
    cuts_of = {name: cut_everywhere(centre, act, name not in READS_FIRST) for name, act in case_steps(centre, case)}
    assert all(count >= 2 for count in cuts_of.values()), cuts_of


def people_steps(centre: Centre, newcomer: UUID) -> list[Step]:
    """Invitations, vouching, imports, leaving."""
    db, school = centre.db, centre.school
    director, admin, desk, qiu = school["director"], school["admin"], school["desk"], school["qiu"]
    day = today(centre.settings.time_zone)
    changed = ROLL.replace("高二1班", "高三1班").replace("S2024004", "S2024009")
    ring = school["S2024001"].keyring
    assert ring is not None and qiu.staff_id is not None
    return [
        ("invite", lambda: invite_student(db, actor=desk, student_id=ring.student_id, ends=now() + timedelta(days=1))),
        ("guest", lambda: register_guest(db, actor=desk, name="某", born=date(1980, 1, 1), kind="parent")),
        ("roll", lambda: import_students(db, actor=admin, raw=changed.encode())),
        ("guardians", lambda: import_guardians(db, actor=admin, raw="学号,监护人,关系\nS2024001,苏母,母亲\n".encode())),
        ("timetable", lambda: import_timetable(db, actor=admin, raw=b"login,class\nlan,x\nqiu,y\n")),
        ("deputy", lambda: name_deputy(db, actor=director, account_id=qiu.staff_id, from_on=day, until_on=day)),
        ("vouch", lambda: vouch_for(db, actor=director, account_id=newcomer)),
        ("education", lambda: record_education(db, actor=director, staff_id=qiu.staff_id, topic="x", minutes=9, on_date=day)),
        ("code", lambda: confirm_code(db, actor=qiu, code=school.codes["qiu"])),
        ("room", lambda: add_room(db, actor=director, name="新室")),
        ("duty", lambda: set_duty(db, actor=director, weekday=1, half="morning", holder_id=None)),
        ("dismiss", lambda: dismiss(db, actor=director, account_id=qiu.staff_id)),
    ]  # fmt: skip


def test_people_are_whole_or_not_at_all(opened: Centre) -> None:
    """Each act about people, cut at each write."""
    centre = opened
    code = invite_staff(centre.db, actor=centre.school["director"], login="xin", display="新", roles={Role.FRONT_DESK})
    account, _ring, _code = activate(centre.db, code=code, passphrase="baiyun heishui chunfeng")
    cuts = {name: cut_everywhere(centre, act) for name, act in people_steps(centre, account.account_id)}
    assert all(count >= 1 for count in cuts.values()), cuts


def test_jobs_are_whole_or_not_at_all(opened: Centre) -> None:
    """Lapsing and escalating, cut at each write."""
    centre = opened
    row = book(centre.db, actor=centre.school["S2024001"], wish=wish(centre))
    call_duty(centre.db, actor=centre.school["desk"])
    for minutes in (25, 60):  # the director, then the leader: each task in a transaction of its own
        with time_machine.travel(now() + timedelta(minutes=minutes), tick=True):
            assert cut_everywhere(centre, lambda: run_jobs(centre.db, "escalate")) >= 2
    with time_machine.travel(row.starts_at + timedelta(hours=1), tick=True):
        assert cut_everywhere(centre, lambda: run_jobs(centre.db, "lapse")) >= 3


def test_an_absence_is_whole_or_not_at_all(opened: Centre) -> None:
    """With its contact task, or without anything."""
    centre = opened
    row = book(centre.db, actor=centre.school["S2024001"], wish=wish(centre))
    confirm_request(centre.db, actor=on_duty(centre), appointment_id=row.appointment_id)
    with writing(centre.db):
        row.call_duty = True
    with time_machine.travel(row.starts_at + timedelta(hours=1), tick=True):
        cut_everywhere(centre, lambda: note_absence(centre.db, actor=centre.school["desk"], appointment_id=row.appointment_id))


def test_a_full_disk_is_said_honestly_and_nothing_is_lost(sqlite_centre: Centre) -> None:
    """SQLite refuses to grow: a page with what was typed, the old state in the database, and it goes on when there is room."""
    centre = sqlite_centre
    app = create_app(centre.settings)
    app.config["WTF_CSRF_ENABLED"] = False
    engine = app.extensions["counsel_sessions"].kw["bind"]
    teacher = centre.school["teacher"]
    account = centre.db.get_one(Account, teacher.account_id)
    signed = open_sign_in(centre.db, account=account, keyring=teacher.keyring, device="computer")
    client = app.test_client()
    client.set_cookie("sign-in", signed.token)
    before = snapshot(centre.session())
    full = {"on": True}

    def limit(connection: Any, _record: Any, _proxy: Any) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0] if full["on"] else 1_000_000
        connection.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(engine, "checkout", limit)
    typed = {"about": "班里一位同学", "text": "总趴着" * 600}
    answer = client.post("/concern", data=typed)
    for _more in range(60):  # what room is left in the pages is used up first
        if answer.status_code != 200:
            break
        before = snapshot(centre.session())
        answer = client.post("/concern", data=typed)
    assert answer.status_code == 503 and typed["text"] in answer.text
    assert snapshot(centre.session()) == before
    full["on"] = False
    assert client.post("/concern", data=typed).status_code == 200
    with centre.session() as fresh:
        assert verify_chain(fresh).broken_at is None
