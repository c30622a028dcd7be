"""Whoever is kept away from a client meets nothing of the client's, on duty or as director; and a life never waits for it."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from counsel.access.sign_ins import SignedIn
from counsel.audit.models import AuditLine
from counsel.core.clock import now
from counsel.core.database import writing
from counsel.core.errors import RefusedError, TransitionError
from counsel.jobs.telling import escalate
from counsel.keys.models import Grant
from counsel.outbox.notices import notices_of
from counsel.pathway.appointments.alarms import raise_alarm
from counsel.pathway.appointments.duty import duty_tasks, finish_task, read_task
from counsel.pathway.appointments.merging import link_client
from counsel.pathway.appointments.reception import read_request, register_walk_in, waiting_requests
from counsel.pathway.cases.countersign import (
    ask_second_signature,
    give_second_signature,
    read_reason,
    signed_reasons,
    waiting_signatures,
)
from counsel.pathway.cases.models import Case
from counsel.pathway.intake.paper import ask_takeover, open_from_paper
from counsel.pathway.referral.conflicts import declare_relationship, look_for_conflicts
from counsel.people.conflicts import closed_to, declare, declared_against
from counsel.people.deputies import countersigners, name_deputy
from counsel.people.exclusions import Excluded, excluded_for
from counsel.people.staff import dismiss
from counsel.risk.cards import count_cards, read_cards
from counsel.risk.models import Report
from counsel.risk.reports import oblige
from counsel.safeguarding.disclosure.approving import Verdict, answer, waiting_for_yes
from counsel.safeguarding.disclosure.models import Package
from counsel.safeguarding.disclosure.receiving import open_package, packages_for
from counsel.safeguarding.disclosure.reviewing import waiting_for_review
from counsel.safeguarding.disclosure.sending import send
from counsel.safeguarding.disclosure.services import start, submit
from counsel.safeguarding.disclosure.suspected import ask_anew
from counsel.safeguarding.questions.services import answer as answer_question
from counsel.safeguarding.questions.services import ask as ask_question
from counsel.safeguarding.questions.services import own_questions, read_question, waiting_questions
from counsel.safeguarding.reports.mandatory import begin, make, owed_by
from counsel.tasks.models import Task
from tests.conftest import Centre
from tests.services.test_danger import INTENT, in_danger
from tests.services.test_disclosure import NOW_IN_DANGER, at_level, drafted, filled, sent, to_teacher
from tests.services.test_kept_away import colleague, listed
from tests.services.test_referral import paper
from tests.services.test_reports import harmed, reported, suspect
from tests.story import CALM, ask, in_counselling, on_duty, open_the_centre, slot_with


def keep_out(centre: Centre, who: str, client_id: object) -> SignedIn:
    """Bar somebody from a client's work, and return them on duty."""
    person = centre.school[who]
    assert person.holder_id is not None
    with writing(centre.db):
        declare(centre.db, person.holder_id, client_id)  # type: ignore[arg-type]
    return on_duty(centre, who) if who in ("lan", "qiu") else person


def test_duty_that_is_kept_away_sees_neither_task_nor_card_nor_request(centre: Centre) -> None:
    """Absent from lists and figures, refused when asked for by address; the director sees all of it, and hears at once."""
    open_the_centre(centre)
    student, director = centre.school["S2024003"], centre.school["director"]
    qiu = keep_out(centre, "qiu", student.client_id)
    raise_alarm(centre.db, actor=student, answers={**CALM, "q7": "yes"})
    (task,) = centre.db.scalars(select(Task).where(Task.kind == "contact")).all()
    assert duty_tasks(centre.db, actor=qiu) == [] and duty_tasks(centre.db, actor=director) == [task]
    for attempt in (
        lambda: read_task(centre.db, actor=qiu, task_id=task.task_id),
        lambda: finish_task(centre.db, actor=qiu, task_id=task.task_id, outcome="reached_safe"),
        lambda: start(centre.db, actor=qiu, client_id=student.client_id, level=4),
        lambda: begin(centre.db, actor=qiu, client_id=student.client_id),
    ):
        with pytest.raises(RefusedError):
            attempt()
    row = ask(centre, "S2024003", "lan")
    assert waiting_requests(centre.db, actor=qiu) == [] and waiting_requests(centre.db, actor=director) == [row]
    with pytest.raises(RefusedError):
        read_request(centre.db, actor=qiu, appointment_id=row.appointment_id)
    escalate(centre.db)
    assert [one.kind for one in notices_of(centre.db, director.holder_id)] == ["task_overdue"]
    assert read_task(centre.db, actor=director, task_id=task.task_id)[1]


def test_the_director_who_is_kept_away_looks_at_no_card_and_hears_of_nothing(centre: Centre) -> None:
    """Not of the level, not of a late task: then whoever counsels hears that one is late."""
    case = at_level(centre, NOW_IN_DANGER)
    director = keep_out(centre, "director", case.client_id)
    before = len(notices_of(centre.db, director.holder_id))
    assert read_cards(centre.db, actor=director) == [] and count_cards(centre.db, actor=director) == 0
    assert len(read_cards(centre.db, actor=on_duty(centre))) == 1
    with time_machine.travel(now() + timedelta(hours=4), tick=True):
        escalate(centre.db)
    assert len(notices_of(centre.db, director.holder_id)) == before
    assert "task_overdue" in {one.kind for one in notices_of(centre.db, centre.school["qiu"].holder_id)}


def test_where_nobody_else_is_there_a_life_counts_more(centre: Centre) -> None:
    """Every counsellor and director is kept away: whoever has duty reads the alarm."""
    open_the_centre(centre)
    student = centre.school["S2024003"]
    for who in ("lan", "qiu", "director"):
        keep_out(centre, who, student.client_id)
    raise_alarm(centre.db, actor=student, answers={**CALM, "q7": "yes"})
    (task,) = duty_tasks(centre.db, actor=on_duty(centre))
    assert read_task(centre.db, actor=on_duty(centre), task_id=task.task_id)[1]
    assert closed_to(centre.db, centre.school["qiu"].holder_id) == frozenset()


def test_a_director_suspected_since_loses_what_they_were_asked(centre: Centre) -> None:
    """A reason waits for their signature: gone from their list; at the next unlock of whoever asked somebody else is asked."""
    case, row = harmed(centre)
    lan, director, outside = (centre.school[who] for who in ("lan", "director", "supervisor"))
    reason = {"code": "LOWER", "reason": "谈过"}
    asked = ask_second_signature(centre.db, actor=lan, client_id=case.client_id, object_id=case.case_id, content=reason)
    make(centre.db, actor=lan, row=row, content=reported(centre, suspects=[suspect(centre, "director", director.name)]))
    assert asked not in waiting_signatures(centre.db, actor=director)
    with pytest.raises(RefusedError):
        read_reason(centre.db, actor=director, task_id=asked.task_id)
    with pytest.raises(RefusedError):
        give_second_signature(centre.db, actor=director, task_id=asked.task_id, agreed=False)
    assert ask_anew(centre.db, actor=lan) >= 1 and ask_anew(centre.db, actor=lan) == 0
    assert asked in waiting_signatures(centre.db, actor=outside)
    assert read_reason(centre.db, actor=outside, task_id=asked.task_id)[1]["reason"] == "谈过"
    give_second_signature(centre.db, actor=outside, task_id=asked.task_id, agreed=True)


def test_a_suspected_counsellor_keeps_what_they_asked_themselves(centre: Centre) -> None:
    """Taking their own key would show: the reason they asked a signature for opens for them as before."""
    case = at_level(centre, NOW_IN_DANGER)
    lan, duty = centre.school["lan"], on_duty(centre)
    reason = {"code": "LOWER", "reason": "谈过"}
    asked = ask_second_signature(centre.db, actor=lan, client_id=case.client_id, object_id=case.case_id, content=reason)
    row = begin(centre.db, actor=duty, client_id=case.client_id)
    assert row is not None and asked.box_id is not None
    make(centre.db, actor=duty, row=row, content=reported(centre, suspects=[suspect(centre, "lan", lan.name)]))
    give_second_signature(centre.db, actor=centre.school["director"], task_id=asked.task_id, agreed=True)
    assert signed_reasons(centre.db, actor=lan, object_id=case.case_id, code="LOWER")[0][1]["reason"] == "谈过"


def test_a_yes_is_asked_of_the_supervisor_once_the_director_is_suspected(centre: Centre) -> None:
    """The submitted page closes for the director; the supervisor is asked at the sender's next unlock and says yes."""
    case = at_level(centre)
    lan, director, outside = (centre.school[who] for who in ("lan", "director", "supervisor"))
    row = drafted(centre, case, filled(to_teacher(centre)))
    submit(centre.db, actor=lan, row=row)
    assert waiting_for_yes(centre.db, actor=director) == [row]
    with writing(centre.db):
        oblige(centre.db, actor=lan, client_id=case.client_id, case_id=case.case_id, age=16)
    (owed,) = centre.db.scalars(select(Report)).all()
    make(centre.db, actor=lan, row=owed, content=reported(centre, suspects=[suspect(centre, "director", director.name)]))
    assert waiting_for_yes(centre.db, actor=director) == []
    mine = select(Grant).where(Grant.box_id == row.box_id, Grant.holder_id == director.holder_id)
    assert centre.db.scalar(mine) is None
    with pytest.raises(RefusedError):
        answer(centre.db, actor=director, row=row, verdict=Verdict(False, "不同意"))
    assert ask_anew(centre.db, actor=lan) == 1
    assert waiting_for_yes(centre.db, actor=outside) == [row]
    answer(centre.db, actor=outside, row=row, verdict=Verdict(True))
    send(centre.db, actor=lan, row=row)
    assert waiting_for_review(centre.db, actor=director) == []


def test_a_package_to_a_colleague_who_is_suspected_since_closes_with_the_report(centre: Centre) -> None:
    """Not only at the sender's next page."""
    case = at_level(centre, NOW_IN_DANGER)
    lan, teacher = centre.school["lan"], centre.school["teacher"]
    _row, packed = sent(centre, case, filled(to_teacher(centre)))
    package = packed[0].package
    open_package(centre.db, actor=teacher, package_id=package.package_id, promised=True)
    with writing(centre.db):
        oblige(centre.db, actor=lan, client_id=case.client_id, case_id=case.case_id, age=16)
    (owed,) = centre.db.scalars(select(Report)).all()
    make(centre.db, actor=lan, row=owed, content=reported(centre, suspects=[suspect(centre, "teacher", teacher.name)]))
    assert packages_for(centre.db, actor=teacher) == []
    with pytest.raises(RefusedError):
        open_package(centre.db, actor=teacher, package_id=package.package_id, promised=True)
    assert centre.db.get_one(Package, package.package_id).revoked_on is not None


def test_a_client_asks_the_supervisor_where_the_director_is_kept_away(centre: Centre) -> None:
    """The director finds nothing; the supervisor reads, answers, and is found by the client."""
    case = at_level(centre)
    director, outside, student = (centre.school[who] for who in ("director", "supervisor", "S2024001"))
    keep_out(centre, "director", case.client_id)
    row = ask_question(centre.db, actor=student, kind="opening", text="为什么有人看？")
    assert waiting_questions(centre.db, actor=director) == [] and waiting_questions(centre.db, actor=outside) == [row]
    with pytest.raises(RefusedError):
        read_question(centre.db, actor=director, question_id=row.question_id)
    assert read_question(centre.db, actor=outside, question_id=row.question_id)[0].words == "为什么有人看？"
    answer_question(centre.db, actor=outside, question_id=row.question_id, text="只有你的咨询师")
    assert own_questions(centre.db, actor=student)[0].answer == "只有你的咨询师"
    assert "question_asked" not in {one.kind for one in notices_of(centre.db, director.holder_id)}


def test_two_ids_of_one_person_share_what_keeps_others_away(centre: Centre) -> None:
    """Joined later: bars and lists of either id count for both; what is added afterwards is written under both."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan, qiu, desk = (centre.school[who] for who in ("lan", "qiu", "desk"))
    other = register_walk_in(centre.db, actor=desk, student_no="", name="苏", slot_key=slot_with(centre, "qiu").key)
    listed(centre, case, Excluded("继父"))
    keep_out(centre, "director", case.client_id)
    link_client(centre.db, actor=desk, appointment_id=other.appointment_id, student_no="S2024001")
    second = other.client_id
    assert declared_against(centre.db, second) == {centre.school["director"].holder_id}
    assert {one.name for one in excluded_for(centre.db, actor=qiu, client_id=second)} == {"继父"}
    listed(centre, case, colleague(centre, "teacher"))
    declare_relationship(centre.db, actor=lan, case=case, kind="kin", reason="")
    assert lan.holder_id in declared_against(centre.db, second)
    assert len(excluded_for(centre.db, actor=qiu, client_id=second)) == 2


def test_nobody_takes_a_case_over_from_paper_who_is_kept_away(centre: Centre) -> None:
    """Neither when it is asked for, nor when it is opened."""
    open_the_centre(centre)
    lan, director = centre.school["lan"], centre.school["director"]
    task = ask_takeover(centre.db, actor=lan, wish=paper())
    give_second_signature(centre.db, actor=director, task_id=task.task_id, agreed=True)
    keep_out(centre, "lan", task.client_id)
    with pytest.raises(TransitionError, match="ELSEWHERE"):
        open_from_paper(centre.db, actor=lan, task_id=task.task_id)
    with pytest.raises(TransitionError, match="ELSEWHERE"):
        ask_takeover(centre.db, actor=lan, wish=paper())
    assert centre.db.scalar(select(Case.case_id)) is None


def test_a_report_that_is_owed_stops_no_look_at_relationships(centre: Centre) -> None:
    """Past the hard stop the case stands still: the director hears, the declaration stands, the page goes on."""
    case, row = harmed(centre)
    lan, director = centre.school["lan"], centre.school["director"]
    with time_machine.travel(row.due_at + timedelta(hours=30), tick=True):
        assert declare_relationship(centre.db, actor=lan, case=case, kind="kin", reason="") is True
        assert case.state == "counselling" and lan.holder_id in declared_against(centre.db, case.client_id)
        assert "conflict_found" in {one.kind for one in notices_of(centre.db, director.holder_id)}
        assert look_for_conflicts(centre.db, actor=lan) == [case] and case.state == "counselling"
        make(centre.db, actor=lan, row=row, content=reported(centre))
    with time_machine.travel(row.due_at + timedelta(hours=54), tick=True):
        assert look_for_conflicts(centre.db, actor=lan) == [case] and case.state == "transfer_pending"


def test_a_report_owed_in_a_case_whose_counsellor_left_falls_to_the_director(centre: Centre) -> None:
    """Found on the first page, made like any other; a director who is kept away finds nothing, and duty does."""
    case, row = harmed(centre)
    director, duty = centre.school["director"], on_duty(centre)
    assert owed_by(centre.db, actor=director) == []
    dismiss(centre.db, actor=centre.school["admin"], account_id=centre.school["lan"].account_id, knowing=True)
    assert owed_by(centre.db, actor=director) == [row] and owed_by(centre.db, actor=duty) == []
    keep_out(centre, "director", case.client_id)
    assert owed_by(centre.db, actor=director) == [] and owed_by(centre.db, actor=duty) == [row]
    with pytest.raises(RefusedError):
        make(centre.db, actor=director, row=row, content=reported(centre))
    make(centre.db, actor=duty, row=row, content=reported(centre))
    assert row.outcome == "reported"


def test_a_deputy_of_later_days_is_never_the_only_one_asked(centre: Centre) -> None:
    """The director's own reason goes to the supervisor, though a deputy will act next month."""
    director, qiu = centre.school["director"], centre.school["qiu"]
    assert qiu.staff_id is not None
    later = now().date() + timedelta(days=30)
    name_deputy(centre.db, actor=director, account_id=qiu.account_id, from_on=later, until_on=later + timedelta(days=5))
    outside, able = countersigners(centre.db, but=director.staff_id)
    assert (outside, able) == (True, [centre.school["supervisor"].holder_id])
    outside, able = countersigners(centre.db, but=centre.school["lan"].staff_id)
    assert outside is False and set(able) == {director.holder_id, qiu.holder_id}


def test_every_refusal_of_a_list_is_silent(centre: Centre) -> None:
    """A barred colleague who opens the duty page leaves no refusal: nothing was asked for."""
    case = in_danger(centre, INTENT)
    qiu = keep_out(centre, "qiu", case.client_id)
    duty_tasks(centre.db, actor=qiu)
    count_cards(centre.db, actor=qiu)
    waiting_signatures(centre.db, actor=qiu)
    assert centre.db.scalars(select(AuditLine).where(AuditLine.tag.like("gate:%"))).all() == []
