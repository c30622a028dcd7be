"""Every way a counselling ends: by the client alone, properly, kindly lapsed, by the director; follow-ups; a new episode."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.core.clock import now, today
from counsel.core.errors import ConflictError, InvalidError, RefusedError, TransitionError
from counsel.pathway.appointments.booking import book
from counsel.pathway.appointments.reception import check_in, confirm_request, note_absence
from counsel.pathway.appointments.requests import Wish
from counsel.pathway.cases.countersign import give_second_signature
from counsel.pathway.cases.models import Case, CaseMove
from counsel.pathway.closing.evaluation import MARKS, decline_evaluation, rate, waive_evaluation, write_evaluation
from counsel.pathway.closing.models import Evaluation
from counsel.pathway.closing.services import (
    agree_follow_ups,
    begin_follow_up,
    case_for_director,
    close_case,
    close_for_leaving,
    closing_state,
    end_counselling,
    follow_ups_of,
    overdue_follow_ups,
    send_last_letter,
    void_case,
    write_report,
)
from counsel.pathway.followup.services import decline_follow_up, finish, write_follow_up
from counsel.pathway.intake.levels import ask_risk_owner, record_screen
from counsel.pathway.intake.services import receive_client
from counsel.pathway.plans.services import plan_anew, write_plan
from counsel.pathway.sessions.services import begin_session, write_note
from counsel.tasks.models import Task
from counsel.tasks.services import open_task
from tests.conftest import Centre
from tests.story import (
    ALL_NO,
    CALM,
    NOTE_CONTENT,
    PLAN_CONTENT,
    ask,
    in_counselling,
    on_duty,
    open_the_centre,
    received,
    record_crisis,
    slot_with,
)
from tests.together import together

ZONE = "Asia/Shanghai"
REPORT = {"summary": "四次，睡眠好转", "goals_reached": "考前睡够", "advice": "继续记录"}
ENDED = {"counsellor_mark": "4", "conclusion": "目标达到"}
GOOD = dict.fromkeys(MARKS, 4)


def with_session(centre: Centre, signed: bool = True) -> Case:
    """A case in counselling in which one session has been held."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan = centre.school["lan"]
    begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True)
    if signed:
        write_note(centre.db, actor=lan, case=case, number=1, content=NOTE_CONTENT, seen_version=0, sign=True)
    return case


def report(centre: Centre, case: Case) -> None:
    """Sign the closing report."""
    write_report(centre.db, actor=centre.school["lan"], case=case, content=REPORT, seen_version=0, sign=True)


def test_the_client_ends_it_alone_and_the_case_still_closes_properly(centre: Centre) -> None:
    """T19, T21, R9-10, C6: at once, no reason, one gentle offer declined; report and waiver before it counts as closed."""
    case = with_session(centre, signed=False)
    lan, student = centre.school["lan"], centre.school["S2024001"]
    for who in ("S2024002", "teacher", "director"):
        with pytest.raises(RefusedError):
            end_counselling(centre.db, actor=centre.school[who], case=case)
    end_counselling(centre.db, actor=student, case=case)
    assert (case.state, case.ended_by) == ("closing", "client")
    with pytest.raises(TransitionError, match="END"):
        close_case(centre.db, actor=lan, case=case, reason="withdrawn")
    decline_evaluation(centre.db, actor=student, case=case)
    report(centre, case)
    with pytest.raises(TransitionError, match="END"):
        close_case(centre.db, actor=lan, case=case, reason="withdrawn")
    write_note(centre.db, actor=lan, case=case, number=1, content=NOTE_CONTENT, seen_version=0, sign=True)
    close_case(centre.db, actor=lan, case=case, reason="withdrawn")
    assert (case.state, case.close_reason) == ("closed", "withdrawn")
    assert centre.db.get_one(Evaluation, case.case_id).waiver == "declined"


def test_who_withdraws_in_danger_is_not_left_alone(centre: Centre) -> None:
    """I1: at level 2 the end waits for somebody outside the case who signs to watch over; the way out itself never waits."""
    case = with_session(centre)
    lan, student = centre.school["lan"], centre.school["S2024001"]
    answers = {**ALL_NO, "q2": "yes", "q3": "yes"}
    record_screen(centre.db, actor=lan, case=case, answers=answers, ticks=frozenset(), keeping="")
    end_counselling(centre.db, actor=student, case=case)
    assert case.state == "closing"
    report(centre, case)
    waive_evaluation(centre.db, actor=lan, case=case, reason="withdrawn")
    with pytest.raises(TransitionError, match="SAFE"):
        close_case(centre.db, actor=lan, case=case, reason="withdrawn")
    task = ask_risk_owner(centre.db, actor=lan, case=case, reason="每天联系一次")
    with pytest.raises(TransitionError, match="SAFE"):
        close_case(centre.db, actor=lan, case=case, reason="withdrawn")
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=True)
    record_crisis(centre, case)
    close_case(centre.db, actor=lan, case=case, reason="withdrawn")
    assert case.state == "closed"


def test_a_good_end_has_report_both_evaluations_and_agreed_follow_ups(centre: Centre) -> None:
    """T20, T23, R10-12…14: each missing piece is named; follow-ups by the client's consent, safe contact and days."""
    case = with_session(centre)
    lan, student, day = centre.school["lan"], centre.school["S2024001"], today(ZONE)
    end_counselling(centre.db, actor=lan, case=case)
    for guard, step in (
        ("F10", lambda: report(centre, case)),
        ("G10", lambda: rate(centre.db, actor=student, case=case, marks=GOOD, words="会自己记了")),
        (
            "G10",
            lambda: write_evaluation(centre.db, actor=lan, case=case, content=ENDED, seen_version=0, sign=True),
        ),
        ("G11", None),
    ):
        with pytest.raises(TransitionError, match=guard):
            begin_follow_up(centre.db, actor=lan, case=case)
        if step is not None:
            step()
    wish: dict[str, Any] = {"actor": lan, "case": case, "consent": True, "contact": "站内信", "when": "午休"}
    for days in ([], [day], [day + timedelta(days=900)], [day + timedelta(days=n) for n in range(1, 9)]):
        with pytest.raises(InvalidError):
            agree_follow_ups(centre.db, **wish, days=days)
    with pytest.raises(InvalidError):
        agree_follow_ups(centre.db, **wish | {"contact": " "}, days=[day + timedelta(days=30)])
    agree_follow_ups(centre.db, **wish, days=[day + timedelta(days=90), day + timedelta(days=30)])
    assert closing_state(centre.db, actor=lan, case=case) >= {"F10", "G9", "G10", "G11", "END", "SAFE"}
    begin_follow_up(centre.db, actor=lan, case=case)
    with pytest.raises(TransitionError, match="FOLLOWED"):
        finish(centre.db, actor=lan, case=case)
    with time_machine.travel(now() + timedelta(days=31), tick=True):
        assert [row.number for _case, row in overdue_follow_ups(centre.db, lan.holder_id, today(ZONE))] == [1]
        content = {"channel": "电话", "reached": "yes", "state": "睡得好", "risk": "没有"}
        write_follow_up(centre.db, actor=lan, case=case, content=content, seen_version=0, sign=True, number=1)
        with pytest.raises(ConflictError):
            write_follow_up(centre.db, actor=lan, case=case, content=content, seen_version=0, sign=True, number=1)
        with pytest.raises(RefusedError):
            decline_follow_up(centre.db, actor=centre.school["S2024002"], case=case, number=2)
        decline_follow_up(centre.db, actor=student, case=case, number=2)
        finish(centre.db, actor=lan, case=case)
    assert (case.state, case.close_reason) == ("closed", "completed")
    assert [row.state for row in follow_ups_of(centre.db, case)] == ["done", "declined"]


def test_the_clients_marks_are_given_once_and_whole(centre: Centre) -> None:
    """F11: five marks from 1 to 5 or a plain no; a second answer does not overwrite the first."""
    case = with_session(centre)
    lan, student = centre.school["lan"], centre.school["S2024001"]
    end_counselling(centre.db, actor=student, case=case)
    for marks in ({}, GOOD | {"useful": 6}, GOOD | {"useful": 0}):
        with pytest.raises(InvalidError) as refused:
            rate(centre.db, actor=student, case=case, marks=marks, words="")
        assert set(refused.value.problems.values()) == {"mark"}
    with pytest.raises(InvalidError):
        rate(centre.db, actor=lan, case=case, marks=GOOD, words="", way="own_sign_in")
    with pytest.raises(InvalidError):
        rate(centre.db, actor=lan, case=case, marks=GOOD, words="", way="on_paper")
    rate(centre.db, actor=lan, case=case, marks=GOOD, words="", way="by_phone")
    with pytest.raises(ConflictError):
        rate(centre.db, actor=student, case=case, marks=GOOD, words="")
    with pytest.raises(InvalidError):
        waive_evaluation(centre.db, actor=lan, case=case, reason="declined")  # only the client declines


def test_a_client_who_stays_away_lapses_kindly(centre: Centre) -> None:
    """T22, C6: three absences, a last kind letter, the level low; then report and waiver as with every end."""
    case = with_session(centre)
    lan = centre.school["lan"]
    with pytest.raises(TransitionError, match="MISSED"):
        close_case(centre.db, actor=lan, case=case, reason="no_show_lapsed")
    for days in (2, 3, 4):
        day = (now() + timedelta(days=days)).date()
        wish = Wish(slot=slot_with(centre, day=day).key, answers=CALM, notice_version=1)
        row = book(centre.db, actor=centre.school["S2024001"], wish=wish)
        with time_machine.travel(row.starts_at + timedelta(minutes=40)):
            note_absence(centre.db, actor=centre.school["desk"], appointment_id=row.appointment_id)
    with time_machine.travel(row.starts_at + timedelta(hours=1), tick=True):
        with pytest.raises(TransitionError, match="LETTER"):
            close_case(centre.db, actor=lan, case=case, reason="no_show_lapsed")
        send_last_letter(centre.db, actor=lan, case=case)
        with pytest.raises(TransitionError, match="END"):
            close_case(centre.db, actor=lan, case=case, reason="no_show_lapsed")
        report(centre, case)
        waive_evaluation(centre.db, actor=lan, case=case, reason="no_show_lapsed")
        close_case(centre.db, actor=lan, case=case, reason="no_show_lapsed")
    assert case.close_reason == "no_show_lapsed"


def test_a_closed_case_is_never_opened_again_and_a_new_visit_begins_a_linked_one(centre: Centre) -> None:
    """T24: a new number, new boxes, the old file as it was; nothing is written into a closed one."""
    case = with_session(centre)
    lan, student = centre.school["lan"], centre.school["S2024001"]
    end_counselling(centre.db, actor=student, case=case)
    report(centre, case)
    decline_evaluation(centre.db, actor=student, case=case)
    close_case(centre.db, actor=lan, case=case, reason="withdrawn")
    for again in (
        lambda: end_counselling(centre.db, actor=student, case=case),
        lambda: begin_session(centre.db, actor=lan, case=case, mode="letter", minutes=1),
        lambda: record_screen(centre.db, actor=lan, case=case, answers=ALL_NO, ticks=frozenset(), keeping=""),
    ):
        with pytest.raises((RefusedError, TransitionError)):
            again()
    new = received(centre)
    assert (new.previous_id, new.state) == (case.case_id, "intake") and new.case_no > case.case_no
    assert new.box_id != case.box_id and case.state == "closed"
    move = centre.db.scalars(select(CaseMove).where(CaseMove.case_id == new.case_id)).one()
    assert move.rule == "T24"


def test_no_agreement_ends_the_case_with_the_door_open(centre: Centre) -> None:
    """T14, R10-09: only when the plan names what stays open and what else was offered."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan = centre.school["lan"]
    plan_anew(centre.db, actor=lan, case=case, to="planning", reason="client_wish")
    for number, more in ((2, {}), (3, {"disagreement": "目标不同", "alternatives": "团体辅导；随时可再来"})):
        content = PLAN_CONTENT | more
        write_plan(centre.db, actor=lan, case=case, content=content, seen_version=0, sign=True, number=number)
        if number == 2:
            with pytest.raises(TransitionError, match="OFFERED"):
                close_case(centre.db, actor=lan, case=case, reason="no_agreement")
    close_case(centre.db, actor=lan, case=case, reason="no_agreement")
    assert (case.state, case.close_reason) == ("closed", "no_agreement")


def test_the_director_declares_a_mistake_void_only_while_it_is_empty(centre: Centre) -> None:
    """T26: nothing written; and never by anybody else."""
    open_the_centre(centre)
    case = received(centre)
    director = centre.school["director"]
    with pytest.raises(RefusedError):
        void_case(centre.db, actor=centre.school["lan"], case=case, reason="test")
    with pytest.raises(InvalidError):
        void_case(centre.db, actor=director, case=case, reason="boredom")
    found = case_for_director(centre.db, actor=director, number=case.case_no)
    void_case(centre.db, actor=director, case=found, reason="opened_twice")
    assert (case.state, case.close_reason) == ("closed", "void")
    with pytest.raises(RefusedError):
        case_for_director(centre.db, actor=centre.school["leader"], number=case.case_no)


def test_a_case_with_words_in_it_is_not_void(centre: Centre) -> None:
    """T26: the director cannot make somebody's words disappear."""
    case = with_session(centre)
    with pytest.raises(TransitionError):
        void_case(centre.db, actor=centre.school["director"], case=case, reason="test")


@pytest.mark.parametrize("close_reason", ["left_school", "deceased"])
def test_who_has_left_is_closed_by_the_director_without_reading(centre: Centre, close_reason: str) -> None:
    """T27: no open task, report and waiver there; after a death somebody is asked to look after those who remain."""
    case = with_session(centre)
    lan, director = centre.school["lan"], centre.school["director"]
    place: dict[str, Any] = {"actor": director, "case": case, "close_reason": close_reason, "reason": "school_notice"}
    with pytest.raises(TransitionError, match="END"):
        close_for_leaving(centre.db, **place)
    report(centre, case)
    waive_evaluation(centre.db, actor=lan, case=case, reason="lost_contact")
    task = open_task(centre.db, kind="contact", due_at=now(), client_id=case.client_id)
    centre.db.commit()
    with pytest.raises(TransitionError, match="NO_TASK"):
        close_for_leaving(centre.db, **place)
    task.ended_on = now()
    task.outcome = "reached"
    centre.db.commit()
    close_for_leaving(centre.db, **place)
    open_ones = centre.db.scalars(select(Task).where(Task.kind == "review")).all()
    assert case.close_reason == close_reason and bool(open_ones) == (close_reason == "deceased")


def test_two_windows_close_at_once_and_one_is_told(centre: Centre) -> None:
    """One wins; the other gets a kind refusal; one move is on record."""
    case = with_session(centre)
    lan = centre.school["lan"]
    end_counselling(centre.db, actor=lan, case=case, asked_by="client")
    report(centre, case)
    waive_evaluation(centre.db, actor=lan, case=case, reason="withdrawn")
    case_id = case.case_id

    def close(db: Session, _number: int) -> Callable[[], object]:
        return partial(close_case, db, actor=centre.school["lan"], case=db.get_one(Case, case_id), reason="withdrawn")

    assert together(centre, close) == ["done", "told"]
    moves = centre.db.scalars(select(CaseMove).where(CaseMove.case_id == case_id, CaseMove.to_state == "closed")).all()
    assert len(moves) == 1


def test_a_client_in_follow_up_who_comes_again_begins_a_new_episode(centre: Centre) -> None:
    """T24 from follow-up: the agreed follow-ups of the old one stay as they are."""
    case = with_session(centre)
    lan, student = centre.school["lan"], centre.school["S2024001"]
    end_counselling(centre.db, actor=student, case=case)
    report(centre, case)
    decline_evaluation(centre.db, actor=student, case=case)
    days = [today(ZONE) + timedelta(days=30)]
    agree_follow_ups(centre.db, actor=lan, case=case, days=days, consent=True, contact="站内信", when="")
    begin_follow_up(centre.db, actor=lan, case=case)
    again = ask(centre)
    assert again.state == "requested"

    confirm_request(centre.db, actor=on_duty(centre), appointment_id=again.appointment_id)
    with time_machine.travel(again.starts_at + timedelta(minutes=1), tick=True):
        check_in(centre.db, actor=centre.school["desk"], appointment_id=again.appointment_id)
        new = receive_client(centre.db, actor=lan, appointment_id=again.appointment_id)
    assert new.previous_id == case.case_id and case.state == "follow_up"
    assert [row.state for row in follow_ups_of(centre.db, case)] == ["planned"]
