"""Other relationships (篇9 一7): whoever teaches or declares is not offered, assigned or received; found later, it leaves."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from counsel.audit.models import AuditLine
from counsel.core.clock import now
from counsel.core.database import writing
from counsel.core.errors import ConflictError, InvalidError, RefusedError, TransitionError
from counsel.outbox.notices import notices_of
from counsel.pathway.appointments.models import Appointment
from counsel.pathway.appointments.reception import check_in, confirm_request, offer_time, register_walk_in
from counsel.pathway.cases.countersign import read_reason, waiting_signatures
from counsel.pathway.cases.models import Case, CaseMove
from counsel.pathway.intake.services import receive_client
from counsel.pathway.referral.conflicts import declare_relationship, look_for_conflicts
from counsel.pathway.referral.services import hold, resume
from counsel.pathway.referral.transfer import add_second_reader, ask_transfer, choose_receiver
from counsel.pathway.sessions.services import begin_session
from counsel.people.conflicts import barred_by, barred_for_oneself, declare
from counsel.people.models import DeclaredConflict
from counsel.people.timetable import import_timetable
from counsel.roster.queries import free_slots
from tests.conftest import Centre
from tests.story import ask, in_counselling, on_duty, open_the_centre, received, slot_with


def teaches(centre: Centre, who: str = "lan", class_name: str = "高二1班") -> None:
    """The new timetable says so."""
    table = f"login,class,head_teacher\n{who},{class_name},no\n".encode()
    assert import_timetable(centre.db, actor=centre.school["admin"], raw=table).added == 1


def reason(error: Any) -> str:
    """Return the code of a refusal."""
    return str(error.value.guard)


def test_a_timetable_that_changes_after_the_booking_stops_each_later_step(centre: Centre) -> None:
    """G4 at triage, at the desk and when receiving: the same neutral words, nothing half-done, and another time is offered."""
    open_the_centre(centre)
    lan, desk = centre.school["lan"], centre.school["desk"]
    asked = ask(centre)
    teaches(centre)
    with pytest.raises(TransitionError) as refused:
        confirm_request(centre.db, actor=on_duty(centre), appointment_id=asked.appointment_id)
    assert reason(refused) == "ELSEWHERE" and asked.state == "requested" and not asked.assigned
    slot = slot_with(centre, "lan", (now() + timedelta(days=2)).date())
    with pytest.raises(ConflictError):
        offer_time(centre.db, actor=desk, appointment_id=asked.appointment_id, slot_key=slot.key)
    teaches(centre, "qiu", "别的班")
    confirm_request(centre.db, actor=on_duty(centre), appointment_id=asked.appointment_id)
    teaches(centre)
    with time_machine.travel(asked.starts_at, tick=True):
        with pytest.raises(TransitionError) as refused:
            check_in(centre.db, actor=desk, appointment_id=asked.appointment_id)
        assert reason(refused) == "ELSEWHERE" and asked.state == "confirmed"
        teaches(centre, "qiu", "别的班")
        check_in(centre.db, actor=desk, appointment_id=asked.appointment_id)
        teaches(centre)
        with pytest.raises(TransitionError) as refused:
            receive_client(centre.db, actor=lan, appointment_id=asked.appointment_id)
    assert reason(refused) == "ELSEWHERE" and centre.db.scalars(select(Case)).all() == []
    centre.db.refresh(asked)
    assert asked.state == "checked_in"


@pytest.mark.parametrize("kind", ["kin", "business", "inquiry", "teaches"])
def test_a_hard_relationship_hands_the_case_over_at_once_and_bars_for_good(centre: Centre, kind: str) -> None:
    """R9-07, R9-08: declared in one step; the kind stands nowhere; the student is never offered that counsellor again."""
    open_the_centre(centre)
    case, lan = in_counselling(centre), centre.school["lan"]
    student = centre.school["S2024001"]
    assert declare_relationship(centre.db, actor=lan, case=case, kind=kind, reason="")
    assert case.state == "transfer_pending"
    assert centre.db.scalars(select(CaseMove.reason).where(CaseMove.rule == "T05")).one() == "conflict"
    assert barred_for_oneself(centre.db, student) == {lan.holder_id}
    day = (now() + timedelta(days=2)).date()
    offered = free_slots(centre.db, day, client_id=case.client_id, without=barred_for_oneself(centre.db, student))
    assert offered and lan.holder_id not in {slot.holder_id for slot in offered}
    with pytest.raises(ConflictError):
        key = slot_with(centre, "lan", day).key
        register_walk_in(centre.db, actor=centre.school["desk"], student_no="S2024001", name="", slot_key=key)
    told = [row.kind for row in notices_of(centre.db, centre.school["director"].holder_id)]
    assert told == ["conflict_found"]
    words = centre.db.scalars(select(AuditLine.detail).where(AuditLine.tag.like("pathway:conflict%"))).all()
    assert kind not in " ".join(words)


def test_a_soft_relationship_is_weighed_by_the_director(centre: Centre) -> None:
    """The reason goes to the second person, sealed; the case stays until the director decides."""
    open_the_centre(centre)
    case, lan, director = in_counselling(centre), centre.school["lan"], centre.school["director"]
    with pytest.raises(InvalidError):
        declare_relationship(centre.db, actor=lan, case=case, kind="manager", reason=" ")
    with pytest.raises(InvalidError):
        declare_relationship(centre.db, actor=lan, case=case, kind="something", reason="x")
    assert not declare_relationship(centre.db, actor=lan, case=case, kind="manager", reason="家长是我部门的同事")
    (task,) = waiting_signatures(centre.db, actor=director)
    assert read_reason(centre.db, actor=director, task_id=task.task_id)[1]["reason"] == "家长是我部门的同事"
    assert case.state == "counselling" and centre.db.scalars(select(DeclaredConflict)).all() == []
    with pytest.raises(RefusedError):
        declare_relationship(centre.db, actor=centre.school["qiu"], case=case, kind="kin", reason="")


def test_the_daily_look_finds_what_an_import_brought_and_looks_once_a_day(centre: Centre) -> None:
    """R9-08: an existing pair becomes a hard conflict: sessions stop, the director is told; nothing is looked at twice."""
    open_the_centre(centre)
    case, lan = in_counselling(centre), centre.school["lan"]
    assert look_for_conflicts(centre.db, actor=lan) == []
    teaches(centre, "qiu", "别的班")
    assert look_for_conflicts(centre.db, actor=lan) == []
    teaches(centre)
    assert look_for_conflicts(centre.db, actor=lan) == [case] and case.state == "transfer_pending"
    assert look_for_conflicts(centre.db, actor=lan) == []
    lines = centre.db.scalars(select(AuditLine).where(AuditLine.tag == "pathway:conflict:looked")).all()
    assert len(lines) == 3
    with time_machine.travel(now() + timedelta(days=1), tick=True):
        assert look_for_conflicts(centre.db, actor=lan) == []
        assert len(centre.db.scalars(select(AuditLine).where(AuditLine.tag == "pathway:conflict:looked")).all()) == 4


def test_a_case_that_rests_is_told_to_the_director_and_handed_over_when_it_goes_on(centre: Centre) -> None:
    """From a pause there is no arrow to a hand-over: the director knows, and the next look after the pause acts."""
    open_the_centre(centre)
    case, lan = in_counselling(centre), centre.school["lan"]
    hold(centre.db, actor=lan, case=case, resume_on=(now() + timedelta(days=9)).date(), reason="holiday")
    teaches(centre)
    assert look_for_conflicts(centre.db, actor=lan) == [case] and case.state == "on_hold"
    assert [row.kind for row in notices_of(centre.db, centre.school["director"].holder_id)] == ["conflict_found"]
    resume(centre.db, actor=lan, case=case)
    with time_machine.travel(now() + timedelta(days=1), tick=True):
        look_for_conflicts(centre.db, actor=lan)
    assert case.state == "transfer_pending"


def test_nobody_with_a_relationship_takes_over_or_reads_along(centre: Centre) -> None:
    """G4 at transfer, and for a second reader."""
    open_the_centre(centre)
    case, lan, qiu = in_counselling(centre), centre.school["lan"], centre.school["qiu"]
    assert qiu.holder_id is not None
    teaches(centre, "qiu")
    with pytest.raises(TransitionError, match="ELSEWHERE"):
        add_second_reader(centre.db, actor=lan, case=case, holder_id=qiu.holder_id)
    ask_transfer(centre.db, actor=lan, case=case, by="counsellor", reason="leave")
    with pytest.raises(TransitionError, match="ELSEWHERE"):
        choose_receiver(centre.db, actor=centre.school["director"], case=case, to=qiu.holder_id)
    assert case.transfer_to is None


def test_no_key_goes_to_whoever_has_a_relationship(centre: Centre) -> None:
    """Named at once, or barred after they were chosen: refused before anything is granted, not when they would accept."""
    open_the_centre(centre)
    case, lan, qiu = in_counselling(centre), centre.school["lan"], centre.school["qiu"]
    assert qiu.holder_id is not None
    with writing(centre.db):
        declare(centre.db, qiu.holder_id, case.client_id)
    with pytest.raises(TransitionError, match="ELSEWHERE"):
        ask_transfer(centre.db, actor=lan, case=case, by="counsellor", reason="leave", to=qiu.holder_id)
    assert case.state == "counselling" and case.transfer_to is None


def test_a_guest_and_an_unknown_class_bar_nobody_but_who_declared(centre: Centre) -> None:
    """No class, no teacher; a declaration still counts; each look into a card has its line."""
    open_the_centre(centre)
    case = received(centre)
    before = len(centre.db.scalars(select(AuditLine).where(AuditLine.tag == "people:conflict:checked")).all())
    assert barred_by(centre.db, centre.school["lan"], case.client_id) == frozenset()
    lines = centre.db.scalars(select(AuditLine).where(AuditLine.tag == "people:conflict:checked")).all()
    assert len(lines) == before + 1 and lines[-1].subject_id == case.client_id
    assert centre.db.scalars(select(Appointment.state)).all() == ["completed"]


def test_a_desk_whose_vault_is_shut_checks_in_and_the_counsellor_looks_again(centre: Centre) -> None:
    """Nobody waits at the desk for a passphrase; who receives has the key and is refused."""
    open_the_centre(centre)
    asked = ask(centre)
    confirm_request(centre.db, actor=on_duty(centre), appointment_id=asked.appointment_id)
    teaches(centre)
    with time_machine.travel(asked.starts_at, tick=True):
        check_in(centre.db, actor=replace(centre.school["desk"], keyring=None), appointment_id=asked.appointment_id)
        with pytest.raises(TransitionError, match="ELSEWHERE"):
            receive_client(centre.db, actor=centre.school["lan"], appointment_id=asked.appointment_id)


def test_nobody_leads_a_group_with_a_client_they_teach(centre: Centre) -> None:
    """Entering a group is checked like every other step; a talk that was begun before goes on until the case is handed over."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan = centre.school["lan"]
    teaches(centre)
    with pytest.raises(TransitionError) as refused:
        begin_session(centre.db, actor=lan, case=case, mode="group", minutes=50, crisis=True)
    assert reason(refused) == "ELSEWHERE"
    teaches(centre, "qiu", "别的班")
    assert begin_session(centre.db, actor=lan, case=case, mode="group", minutes=50, crisis=True).mode == "group"
