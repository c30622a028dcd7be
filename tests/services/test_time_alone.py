"""What time alone does: offers and requests lapse, tasks escalate, absences count; and what a concern may do."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from counsel.access.sign_ins import SignedIn
from counsel.audit.models import AuditLine
from counsel.core.clock import now
from counsel.core.errors import ConflictError, InvalidError, RefusedError, UnreadableError
from counsel.jobs.runner import run_jobs
from counsel.keys.boxes import open_box
from counsel.keys.models import Box
from counsel.pathway.appointments.alarms import raise_alarm
from counsel.pathway.appointments.booking import book
from counsel.pathway.appointments.concerns import raise_concern
from counsel.pathway.appointments.duty import call_duty, duty_tasks, finish_task, read_task
from counsel.pathway.appointments.lapsing import missed_in_a_row
from counsel.pathway.appointments.models import Appointment, TalkOffer
from counsel.pathway.appointments.reception import (
    check_in,
    confirm_request,
    note_absence,
    offer_time,
    register_walk_in,
    waiting_requests,
)
from counsel.pathway.appointments.requests import Wish, accept_offer, cancel_own, move_own
from counsel.pathway.appointments.talks import answer_talk, my_talk_offers, offer_talk
from counsel.pathway.intake.levels import record_screen
from counsel.pathway.intake.services import receive_client
from counsel.people.models import Client
from counsel.roster.occupancy import taken_units
from counsel.tasks.models import Task
from tests.conftest import Centre
from tests.story import ALL_NO, CALM, ask, in_counselling, on_duty, open_the_centre, slot_with


def test_an_offer_nobody_answers_lapses_and_the_old_time_stands(centre: Centre) -> None:
    """After the working hours of the setting the offered time is free again; twice changes nothing."""
    open_the_centre(centre)
    asked = ask(centre)
    confirm_request(centre.db, actor=on_duty(centre), appointment_id=asked.appointment_id)
    slot = slot_with(centre, day=(now() + timedelta(days=6)).date())
    offer = offer_time(centre.db, actor=centre.school["desk"], appointment_id=asked.appointment_id, slot_key=slot.key)
    assert offer.answer_by is not None
    with time_machine.travel(offer.answer_by + timedelta(minutes=1)):
        run_jobs(centre.db, "lapse")
        before = centre.db.query(AuditLine).count()
        assert run_jobs(centre.db, "lapse") == ["lapse: 0 appointments"]
        assert centre.db.query(AuditLine).count() == before
    assert offer.state == "lapsed"
    assert taken_units(centre.db, [offer.counsellor_id], offer.starts_at, offer.ends_at)[offer.counsellor_id] == set()
    with pytest.raises(Exception, match="NO_STEP"):
        accept_offer(centre.db, actor=centre.school["S2024001"], appointment_id=offer.appointment_id)


def test_a_request_nobody_triages_lapses_and_the_director_is_told(centre: Centre) -> None:
    """Somebody asked and nobody answered: a neutral task, the time free again, no key needed."""
    open_the_centre(centre)
    asked = ask(centre)
    with time_machine.travel(asked.starts_at + timedelta(minutes=1)):
        run_jobs(centre.db, "lapse")
    assert asked.state == "lapsed"
    (task,) = centre.db.scalars(select(Task)).all()
    assert (task.kind, task.owner_role, task.client_id) == ("contact", "director", asked.client_id)


def test_overdue_tasks_escalate_once(centre: Centre) -> None:
    """The job notes it with the role and without any key; the page shows it to the director."""
    open_the_centre(centre)
    task = call_duty(centre.db, actor=centre.school["desk"])
    with time_machine.travel(task.escalates_at + timedelta(minutes=1)):
        assert run_jobs(centre.db, "escalate") == ["escalate: 1 tasks, 0 to the leader"]
        assert run_jobs(centre.db, "escalate") == ["escalate: 0 tasks, 0 to the leader"]
    line = centre.db.scalars(select(AuditLine).order_by(AuditLine.seq.desc())).first()
    assert line is not None and (line.tag, line.detail) == ("tasks:task:escalated", "director")


def missed(centre: Centre, times: int) -> list[Appointment]:
    """A client in counselling stays away some times."""
    rows = []
    for days in range(2, times + 2):
        row = book(centre.db, actor=centre.school["S2024001"], wish=wish(centre, days))
        with time_machine.travel(row.starts_at + timedelta(minutes=40)):
            note_absence(centre.db, actor=centre.school["desk"], appointment_id=row.appointment_id)
        rows.append(row)
    return rows


def wish(centre: Centre, days: int = 1) -> Wish:
    """The first free time with the own counsellor in some days."""
    return Wish(slot=slot_with(centre, day=(now() + timedelta(days=days)).date()).key, answers=CALM, notice_version=1)


def test_after_three_times_missed_one_queues_again_until_one_has_come(centre: Centre) -> None:
    """C6: two are a reminder, the third sends the next wish through triage; coming starts the count anew."""
    open_the_centre(centre)
    in_counselling(centre)
    rows = missed(centre, 2)
    third = book(centre.db, actor=centre.school["S2024001"], wish=wish(centre, 4))
    assert third.state == "confirmed" and missed_in_a_row(centre.db, third.client_id) == 2
    with time_machine.travel(third.starts_at - timedelta(hours=2)):
        assert cancel_own(centre.db, actor=centre.school["S2024001"], appointment_id=third.appointment_id).late_cancel
    again = book(centre.db, actor=centre.school["S2024001"], wish=wish(centre, 5))
    assert again.state == "requested" and not again.assigned and len(rows) == 2
    confirm_request(centre.db, actor=on_duty(centre), appointment_id=again.appointment_id)
    with time_machine.travel(again.starts_at, tick=True):
        check_in(centre.db, actor=centre.school["desk"], appointment_id=again.appointment_id)
        receive_client(centre.db, actor=centre.school["lan"], appointment_id=again.appointment_id)
        assert missed_in_a_row(centre.db, again.client_id) == 0


def test_an_absence_with_worry_sends_somebody_to_look_without_penalty(centre: Centre) -> None:
    """Level 2 sets one neutral bit; the absence makes a contact task within two hours and never counts."""
    open_the_centre(centre)
    case = in_counselling(centre)
    answers = {**ALL_NO, "q2": "yes", "q3": "yes"}
    record_screen(centre.db, actor=centre.school["lan"], case=case, answers=answers, ticks=frozenset(), keeping="")
    (row,) = missed(centre, 1)
    assert row.call_duty and missed_in_a_row(centre.db, row.client_id) == 0
    (task,) = [found for found in duty_tasks(centre.db, actor=on_duty(centre)) if found.object_id != case.case_id]
    assert task.client_id == row.client_id and task.due_at - row.starts_at < timedelta(hours=2, minutes=41)


def concern(centre: Centre) -> Task:
    """A teacher's concern waits for duty."""
    raise_concern(centre.db, actor=centre.school["teacher"], about="苏未名", text="总趴着")
    return duty_tasks(centre.db, actor=on_duty(centre))[0]


def test_a_concern_becomes_an_offer_that_is_inert_until_the_student_says_yes(centre: Centre) -> None:
    """R9-11: no client, no appointment, no task because of it; a yes books like anybody, and the words come along."""
    open_the_centre(centre)
    task = concern(centre)
    assert offer_talk(centre.db, actor=on_duty(centre), task_id=task.task_id, student_no="S2024001")
    assert centre.db.scalars(select(Client)).all() == [] and centre.db.scalars(select(Appointment)).all() == []
    student = centre.school["S2024001"]
    (offer,) = my_talk_offers(centre.db, actor=student)
    with pytest.raises(RefusedError):
        answer_talk(centre.db, actor=centre.school["S2024002"], offer_id=offer.offer_id, accepted=True)
    answer_talk(centre.db, actor=student, offer_id=offer.offer_id, accepted=True)
    row = book(centre.db, actor=student, wish=wish(centre))
    assert (row.source, row.state) == ("teacher", "requested")
    confirm_request(centre.db, actor=on_duty(centre), appointment_id=row.appointment_id)
    with time_machine.travel(row.starts_at, tick=True):
        check_in(centre.db, actor=centre.school["desk"], appointment_id=row.appointment_id)
        case = receive_client(centre.db, actor=centre.school["lan"], appointment_id=row.appointment_id)
    assert offer.box_id is not None and centre.db.get_one(Box, offer.box_id).parent_id == case.box_id
    with pytest.raises(UnreadableError):
        open_box(centre.db, on_duty(centre).keyring, offer.box_id)


def test_a_no_leaves_everything_as_it_was(centre: Centre) -> None:
    """Declined: no trace a teacher or the centre's lists could show; the answer cannot be given twice."""
    open_the_centre(centre)
    task = concern(centre)
    assert not offer_talk(centre.db, actor=on_duty(centre), task_id=task.task_id, student_no="S2024004"), "no account yet"
    task = concern(centre)
    offer_talk(centre.db, actor=on_duty(centre), task_id=task.task_id, student_no="S2024002")
    student = centre.school["S2024002"]
    (offer,) = my_talk_offers(centre.db, actor=student)
    assert answer_talk(centre.db, actor=student, offer_id=offer.offer_id, accepted=False).state == "declined"
    assert my_talk_offers(centre.db, actor=student) == []
    with pytest.raises(RefusedError):
        answer_talk(centre.db, actor=student, offer_id=offer.offer_id, accepted=True)


def test_who_may_turn_a_concern_into_an_offer(centre: Centre) -> None:
    """Duty or director, once, for somebody on the roll."""
    open_the_centre(centre)
    task = concern(centre)
    for who in ("lan", "desk", "teacher", "admin", "leader", "S2024001"):
        with pytest.raises(RefusedError):
            offer_talk(centre.db, actor=centre.school[who], task_id=task.task_id, student_no="S2024001")
    with pytest.raises(InvalidError):
        offer_talk(centre.db, actor=on_duty(centre), task_id=task.task_id, student_no="S999")
    offer_talk(centre.db, actor=centre.school["director"], task_id=task.task_id, student_no="S2024001")
    with pytest.raises(ConflictError, match="task_ended"):
        offer_talk(centre.db, actor=on_duty(centre), task_id=task.task_id, student_no="S2024001")
    assert len(centre.db.scalars(select(TalkOffer)).all()) == 1


def test_duty_reads_an_alarm_no_longer_once_the_contact_is_recorded(centre: Centre) -> None:
    """The rule refuses at once; when the case begins the box becomes its child and the key is gone as well."""
    open_the_centre(centre)
    student = centre.school["S2024001"]
    raise_alarm(centre.db, actor=student, answers={**CALM, "q2": "yes"})
    (task,) = duty_tasks(centre.db, actor=on_duty(centre))
    finish_task(centre.db, actor=on_duty(centre), task_id=task.task_id, outcome="reached_safe")
    with pytest.raises(RefusedError):
        read_task(centre.db, actor=on_duty(centre), task_id=task.task_id)
    case = in_counselling(centre)
    assert task.box_id is not None and centre.db.get_one(Box, task.box_id).parent_id == case.box_id
    with pytest.raises(UnreadableError):
        open_box(centre.db, on_duty(centre).keyring, task.box_id)
    open_box(centre.db, student.keyring, task.box_id)  # type: ignore[arg-type]


def test_an_unassigned_request_moves_to_another_counsellor(centre: Centre) -> None:
    """Its words are sealed to duty, not to a counsellor yet; an assigned one stays with hers."""
    open_the_centre(centre)
    asked = ask(centre)
    student: SignedIn = centre.school["S2024001"]
    slot = slot_with(centre, "qiu")
    moved = move_own(centre.db, actor=student, appointment_id=asked.appointment_id, slot_key=slot.key)
    assert (moved.state, moved.counsellor_id, asked.state) == ("requested", centre.school["qiu"].holder_id, "moved")
    confirm_request(centre.db, actor=on_duty(centre), appointment_id=moved.appointment_id)
    with pytest.raises(ConflictError, match="slot_taken"):
        other = slot_with(centre, "lan")
        move_own(centre.db, actor=student, appointment_id=moved.appointment_id, slot_key=other.key)
    assert waiting_requests(centre.db, actor=on_duty(centre)) == []


def test_the_database_itself_refuses_a_second_waiting_request(centre: Centre) -> None:
    """Two windows at once: whoever slips past the check is told kindly."""
    open_the_centre(centre)
    first = ask(centre)
    row = register_walk_in(centre.db, actor=centre.school["desk"], student_no="S2024001", name="", slot_key=slot_with(centre).key)
    assert row.client_id == first.client_id
    from counsel.core.database import writing

    with pytest.raises(ConflictError, match="faster"), writing(centre.db):
        row.state = "requested"
