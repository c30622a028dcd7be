"""Somebody is watched over until a person lowers it: what once let a level, a card or a contact end by itself (篇4 五; I1)."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select, update

from counsel.audit.chain import recording
from counsel.audit.models import AuditLine
from counsel.core.clock import now
from counsel.core.database import writing
from counsel.core.errors import ConflictError, InvalidError, RefusedError, TransitionError
from counsel.core.ids import new_id
from counsel.jobs.runner import JOBS, run_jobs
from counsel.keys.models import Holder
from counsel.keys.trust import group_id
from counsel.outbox.notices import notices_of, notify
from counsel.pathway.appointments.duty import finish_task, read_task
from counsel.pathway.cases.countersign import ask_second_signature, give_second_signature
from counsel.pathway.cases.dossier import CRISIS, read_form
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import cover_of
from counsel.pathway.closing.evaluation import waive_evaluation
from counsel.pathway.closing.services import agree_follow_ups, begin_follow_up, close_case, end_counselling
from counsel.pathway.followup.services import finish
from counsel.pathway.intake import levels
from counsel.pathway.intake.levels import apply_lowering, ask_lowering, ask_risk_owner, record_screen
from counsel.people.addresses import set_own_address
from counsel.people.models import Client, StaffAddress
from counsel.risk.cards import has_card, read_cards
from counsel.tasks.models import Task
from counsel.tasks.services import open_task, tasks_about
from tests.conftest import Centre
from tests.services.test_danger import INTENT, NOW, THOUGHTS, in_danger, screen
from tests.services.test_ending import report, with_session
from tests.story import ALL_NO, received, record_crisis


def watched_after_the_end(centre: Centre) -> Case:
    """A client at level 3 whose case has closed, somebody outside watching on."""
    case = with_session(centre)
    screen(centre, case, INTENT)
    record_crisis(centre, case)
    lan = centre.school["lan"]
    end_counselling(centre.db, actor=centre.school["S2024001"], case=case)
    report(centre, case)
    waive_evaluation(centre.db, actor=lan, case=case, reason="withdrawn")
    task = ask_risk_owner(centre.db, actor=lan, case=case, reason="继续关注")
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=True)
    close_case(centre.db, actor=lan, case=case, reason="withdrawn")
    return case


def lowered(centre: Centre, case: Case, to: int) -> int:
    """Ask, sign, apply."""
    task = ask_lowering(centre.db, actor=centre.school["lan"], case=case, level=to, reason="两次谈话")
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=True)
    return apply_lowering(centre.db, actor=centre.school["lan"], case=case)


def test_follow_up_is_no_way_round_the_record(centre: Centre) -> None:
    """T20 and T23 ask for SAFE too: a level without record and watcher ends neither counselling nor follow-up."""
    case = with_session(centre)
    lan = centre.school["lan"]
    screen(centre, case, NOW)
    end_counselling(centre.db, actor=lan, case=case)
    report(centre, case)
    waive_evaluation(centre.db, actor=lan, case=case, reason="no_show_lapsed")
    agree_follow_ups(centre.db, actor=lan, case=case, days=[], consent=False, contact="", when="")
    with pytest.raises(TransitionError):
        begin_follow_up(centre.db, actor=lan, case=case)
    centre.db.execute(update(Case).values(state="follow_up"))
    centre.db.commit()
    with pytest.raises(TransitionError, match="SAFE"):
        finish(centre.db, actor=lan, case=case)


def test_coming_back_lowers_nobody(centre: Centre) -> None:
    """A calm first answer in a new case leaves the card of the case before; only a person lowers, with a second signature."""
    watched_after_the_end(centre)
    again = received(centre)
    lan = centre.school["lan"]
    assert again.previous_id is not None and cover_of(centre.db, actor=lan, case=again).level == 2
    record_screen(centre.db, actor=lan, case=again, answers=ALL_NO, ticks=frozenset(), keeping="")
    assert has_card(centre.db, again.client_id) and cover_of(centre.db, actor=lan, case=again).level == 2
    assert lowered(centre, again, 0) == 0 and not has_card(centre.db, again.client_id)


def test_the_level_of_a_closed_case_is_lowered_by_its_counsellor_and_the_second_signature(centre: Centre) -> None:
    """Otherwise a card would stand for ever; a colleague and an archived case are refused."""
    case = watched_after_the_end(centre)
    with pytest.raises(RefusedError):
        ask_lowering(centre.db, actor=centre.school["qiu"], case=case, level=0, reason="x")
    assert lowered(centre, case, 1) == 1 and not has_card(centre.db, case.client_id)
    assert tasks_about(centre.db, case.case_id, ("contact",)) == []


def test_a_recorded_contact_is_followed_by_the_next_one(centre: Centre) -> None:
    """Not reached: tried again within the hour. Reached: within a day, as long as somebody is watched over."""
    case = in_danger(centre, NOW)
    lan = centre.school["lan"]
    for outcome, minutes in (("not_reached_passed_on", 60), ("reached_safe", 24 * 60), ("reached_handed_over", 24 * 60)):
        (task,) = tasks_about(centre.db, case.case_id, ("contact",))
        finish_task(centre.db, actor=lan, task_id=task.task_id, outcome=outcome)
        (then,) = tasks_about(centre.db, case.case_id, ("contact",))
        assert round((then.due_at - now()).total_seconds() / 60) == minutes
    record_crisis(centre, case)
    lowered(centre, case, 1)
    assert tasks_about(centre.db, case.case_id) == []


def test_a_notice_never_undoes_the_danger_it_tells_about(centre: Centre) -> None:
    """Somebody else tells the director at the same moment and has not finished: the level stands all the same."""
    case = in_danger(centre, ALL_NO)
    director = centre.school["director"]
    with centre.session() as other:
        if centre.backend == "postgresql":  # on SQLite writers queue before they begin
            with recording(other):
                notify(other, reader_id=director.holder_id, kind="task_overdue")
                screen(centre, case, NOW)
        else:
            screen(centre, case, NOW)
            with recording(other):
                notify(other, reader_id=director.holder_id, kind="task_overdue")
    kinds = {row.kind for row in notices_of(centre.db, director.holder_id)}
    assert kinds == {"level_raised", "task_overdue"} and cover_of(centre.db, actor=centre.school["lan"], case=case).level == 4


def test_what_was_said_in_between_stands(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lowering reads everything while the case is held: a level that another window raised meanwhile is not overwritten."""
    case = in_danger(centre)
    record_crisis(centre, case)
    lan, director = centre.school["lan"], centre.school["director"]
    task = ask_lowering(centre.db, actor=lan, case=case, level=1, reason="两次谈话")
    give_second_signature(centre.db, actor=director, task_id=task.task_id, agreed=True)
    real = levels.require

    def between(db: Any, *args: Any, **more: Any) -> Any:
        """After the gate and before the lock, another window records that it is worse."""
        done = real(db, *args, **more)
        monkeypatch.setattr(levels, "require", real)
        with centre.session() as other:
            same = other.get_one(Case, case.case_id)
            record_screen(other, actor=lan, case=same, answers=NOW, ticks=frozenset(), keeping="")
        return done

    monkeypatch.setattr(levels, "require", between)
    with pytest.raises((TransitionError, ConflictError)):
        apply_lowering(centre.db, actor=lan, case=case)
    centre.db.rollback()
    assert cover_of(centre.db, actor=lan, case=case).level == 4


def test_a_level_is_not_lowered_before_its_record(centre: Centre) -> None:
    """Asked for or applied: the record comes first, and says the level it was written for."""
    case = in_danger(centre, NOW)
    lan = centre.school["lan"]
    with pytest.raises(TransitionError, match="RECORD"):
        ask_lowering(centre.db, actor=lan, case=case, level=0, reason="x")
    record_crisis(centre, case)
    assert read_form(centre.db, actor=lan, case=case, kind=CRISIS).content["level"] == 4


def test_duty_has_a_card_from_the_first_moment_and_it_rises_with_the_level(centre: Centre) -> None:
    """Before the record is written the card says who, how grave and whose case; a rise keeps what was known."""
    case = in_danger(centre)
    director = centre.school["director"]
    (card,) = read_cards(centre.db, actor=director)
    assert card.content is not None and (card.content["level"], card.content["due"]) == (2, True)
    record_crisis(centre, case)
    screen(centre, case, NOW)
    (card,) = read_cards(centre.db, actor=director)
    assert card.content is not None
    assert (card.content["level"], card.content["due"], card.content["reach"]) == (4, True, "姨妈 139")


def test_a_name_that_does_not_open_hides_no_card(centre: Centre) -> None:
    """At night the case number and the counsellor are enough to act on."""
    case = in_danger(centre)
    centre.db.execute(update(Client).values(card_sealed=b"x" * 300))
    centre.db.commit()
    (card,) = read_cards(centre.db, actor=centre.school["director"])
    assert card.client is None and card.content is not None and card.content["case_no"] == case.case_no


def test_one_spoilt_address_or_job_stops_no_other(centre: Centre) -> None:
    """Escalation goes on for everybody else; a failing job says so and the next ones run."""
    in_danger(centre, NOW)
    director = centre.school["director"]
    set_own_address(centre.db, actor=director, channel="mail", address="d@school.example", language="en")
    centre.db.execute(update(StaffAddress).values(address_sealed=b"x" * 100))
    centre.db.commit()
    with time_machine.travel(now() + timedelta(hours=3), tick=True):
        assert run_jobs(centre.db, "escalate") == ["escalate: 3 tasks, 3 to the leader"]
    assert "task_overdue" in {row.kind for row in notices_of(centre.db, director.holder_id)}


def test_a_failing_job_says_so_and_the_others_run(sqlite_centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line names the job and the kind of error, never more."""

    def broken(_db: object) -> str:
        raise OSError("a path nobody should read")

    monkeypatch.setitem(JOBS, "sweep", broken)
    lines = run_jobs(sqlite_centre.db)
    assert "sweep: failed, OSError" in lines and len(lines) == 11 and lines[-1].startswith("audit-head: head-")


def test_only_contacts_and_messages_end_on_the_duty_page(centre: Centre) -> None:
    """A record is ended by its record, a second signature by its signature; an outcome of another kind is refused."""
    case = in_danger(centre)
    duty = centre.school["director"]
    content = {"code": "X", "reason": "x", "by": "x"}
    sign = ask_second_signature(
        centre.db, actor=centre.school["lan"], client_id=case.client_id, object_id=case.case_id, content=content
    )
    (record,) = tasks_about(centre.db, case.case_id, ("report",))
    for task, outcome in ((record, "recorded"), (record, "reached_safe"), (sign, "signed")):
        with pytest.raises(RefusedError):
            finish_task(centre.db, actor=duty, task_id=task.task_id, outcome=outcome)
        with pytest.raises(RefusedError):
            read_task(centre.db, actor=duty, task_id=task.task_id)
    (contact,) = tasks_about(centre.db, case.case_id, ("contact",))
    with pytest.raises(InvalidError):
        finish_task(centre.db, actor=duty, task_id=contact.task_id, outcome="talk_offered")


def test_two_runs_escalate_once(centre: Centre) -> None:
    """Whoever comes second finds it done."""
    with writing(centre.db):
        open_task(centre.db, kind="contact", due_at=now() - timedelta(minutes=15))
    with centre.session() as other:
        first = other.scalars(select(Task)).one()
        assert first.escalated_on is None
        assert run_jobs(centre.db, "escalate") == ["escalate: 1 tasks, 0 to the leader"]
        assert run_jobs(other, "escalate") == ["escalate: 0 tasks, 0 to the leader"]
    lines = centre.db.scalars(select(AuditLine).where(AuditLine.tag == "tasks:task:escalated")).all()
    assert len(lines) == 1


def test_thoughts_alone_start_no_alarm_for_the_leader(centre: Centre) -> None:
    """Only a task that is overdue is told, and what it is about to nobody who may not open it."""
    in_danger(centre, THOUGHTS)
    assert run_jobs(centre.db, "escalate") == ["escalate: 0 tasks, 0 to the leader"]


def test_a_level_is_recorded_even_when_duty_has_no_key_to_trust(centre: Centre) -> None:
    """Replaced in the database: no card is sealed to it, and the danger is on record with its tasks all the same."""
    case = in_danger(centre, ALL_NO)
    duty = group_id(centre.house, "duty")
    centre.db.execute(update(Holder).where(Holder.holder_id == duty).values(kem_public=b"x" * 1216))
    centre.db.commit()
    centre.db.expire_all()
    screen(centre, case, NOW)
    assert cover_of(centre.db, actor=centre.school["lan"], case=case).level == 4
    assert len(tasks_about(centre.db, case.case_id)) == 2 and not has_card(centre.db, case.client_id)
    tags = centre.db.scalars(select(AuditLine.tag).where(AuditLine.tag.like("risk:card:%"))).all()
    assert tags == ["risk:card:failed"]


def test_a_missed_time_of_somebody_watched_over_starts_no_second_chain(centre: Centre) -> None:
    """The contact of the case goes on; the one about the missed time ends with it, unless nobody was reached."""
    case = in_danger(centre, NOW)
    with writing(centre.db):
        missed = open_task(centre.db, kind="contact", due_at=now(), client_id=case.client_id, object_id=new_id())
    finish_task(centre.db, actor=centre.school["director"], task_id=missed.task_id, outcome="reached_safe")
    waiting = centre.db.scalars(select(Task.object_id).where(Task.kind == "contact", Task.ended_on.is_(None))).all()
    assert waiting == [case.case_id]
