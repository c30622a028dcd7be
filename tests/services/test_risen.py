"""A level that rises: at will, after the end, in a new episode; who must look at it, and what the client is shown of it."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from counsel.core.clock import now, today
from counsel.core.database import writing
from counsel.core.errors import InvalidError, RefusedError, TransitionError
from counsel.home.queries import file_sight
from counsel.jobs.runner import run_jobs
from counsel.jobs.telling import escalate
from counsel.keys.models import Box
from counsel.outbox.notices import notices_of
from counsel.pathway.appointments.alarms import raise_alarm
from counsel.pathway.appointments.duty import ended_alarm_boxes, finish_task
from counsel.pathway.cases.agreement import agree_oneself
from counsel.pathway.cases.countersign import give_second_signature
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import cover_of
from counsel.pathway.closing.services import follow_ups_of
from counsel.pathway.intake.levels import (
    apply_lowering,
    ask_lowering,
    ask_risk_owner,
    evidence_of_level,
    raise_level,
    record_screen,
)
from counsel.pathway.referral.transfer import accept_transfer, give_key
from counsel.pathway.safety.services import write_safety_plan
from counsel.people.staff import dismiss
from counsel.risk.cards import cards_unseen, has_card, read_cards
from counsel.risk.models import Report
from counsel.safeguarding.disclosure.found import read_form
from counsel.safeguarding.disclosure.models import Package
from counsel.safeguarding.disclosure.receiving import open_package
from counsel.safeguarding.disclosure.services import problems_now, save, start, submit
from counsel.safeguarding.disclosure.told import take_back_what_fell
from counsel.safeguarding.reports.found import read_report
from counsel.safeguarding.reports.mandatory import make
from counsel.tasks.models import Task
from counsel.tasks.services import tasks_about
from tests.conftest import Centre
from tests.services.test_danger import INTENT, NOW, THOUGHTS, in_danger, screen
from tests.services.test_disclosure import at_level, drafted, filled, part, sent, supported, to_teacher
from tests.services.test_referral import handed
from tests.services.test_reports import harmed, reported
from tests.services.test_volume import closed
from tests.story import ALL_NO, CALM, in_counselling, on_duty, open_the_centre, received, record_crisis

SAW = "门口遇见，说不想活了，手里有药"


def kinds(centre: Centre, case: Case) -> set[str]:
    """What is due about a case."""
    return {task.kind for task in tasks_about(centre.db, case.case_id, ("contact", "report", "inform", "supervise"))}


def test_a_level_is_raised_at_will_with_a_reason_and_nobodys_yes(centre: Centre) -> None:
    """Every clock runs, duty has its card; not downwards, not without a reason, not by a colleague."""
    open_the_centre(centre)
    case, lan = in_counselling(centre), centre.school["lan"]
    for level, reason, field in ((3, " ", "reason"), (0, SAW, "level"), (5, SAW, "level"), (-1, SAW, "level")):
        with pytest.raises(InvalidError) as found:
            raise_level(centre.db, actor=lan, case=case, level=level, reason=reason)
        assert set(found.value.problems) == {field}
    with pytest.raises(RefusedError):
        raise_level(centre.db, actor=centre.school["qiu"], case=case, level=3, reason=SAW)
    assert kinds(centre, case) == set()
    raise_level(centre.db, actor=lan, case=case, level=3, reason=SAW)
    assert cover_of(centre.db, actor=lan, case=case).level == 3 and has_card(centre.db, case.client_id)
    assert kinds(centre, case) == {"contact", "report", "inform", "supervise"}
    with pytest.raises(InvalidError):
        raise_level(centre.db, actor=lan, case=case, level=3, reason=SAW)


def test_danger_found_after_the_end_is_recorded_like_any_other(centre: Centre) -> None:
    """A closed case in follow-up: asked and raised, with record, plan and somebody told; a calm answer is not written into it."""
    case, lan = closed(centre), centre.school["lan"]
    with pytest.raises(RefusedError):
        record_screen(centre.db, actor=lan, case=case, answers=ALL_NO, ticks=frozenset(), keeping="")
    record_screen(centre.db, actor=lan, case=case, answers=NOW, ticks=frozenset(), keeping="妹妹")
    assert (case.state, cover_of(centre.db, actor=lan, case=case).level) == ("closed", 4)
    assert kinds(centre, case) == {"contact", "report", "inform", "supervise"}
    record_crisis(centre, case)
    content = {"signs": "沉默", "own_steps": "听歌", "people": "姨妈", "professionals": "12356", "means": "药已交出"}
    write_safety_plan(centre.db, actor=lan, case=case, content=content, seen_version=0, sign=True, number=1)
    row = start(centre.db, actor=lan, client_id=case.client_id, case=case)
    save(centre.db, actor=lan, row=row, content=filled(to_teacher(centre)), seen_version=1)
    assert problems_now(centre.db, actor=lan, row=row) == {} and submit(centre.db, actor=lan, row=row) == "nobody"
    assert follow_ups_of(centre.db, case) is not None


def test_a_true_level_two_in_an_episode_that_began_watched_sets_its_clocks(centre: Centre) -> None:
    """The card of the time before lowers nobody, and hides nothing: what is said now is due like any other."""
    case = in_danger(centre, THOUGHTS)
    lan = centre.school["lan"]
    with writing(centre.db):
        case.state, case.close_reason, case.closed_on = "closed", "withdrawn", today(centre.settings.time_zone)
        for task in centre.db.scalars(select(Task).where(Task.client_id == case.client_id, Task.ended_on.is_(None))):
            task.ended_on, task.outcome = now(), "recorded"
    new = received(centre)
    assert cover_of(centre.db, actor=lan, case=new).level == 2 and kinds(centre, new) == set()
    screen(centre, new, ALL_NO)
    assert kinds(centre, new) == {"contact"} and cover_of(centre.db, actor=lan, case=new).raised_at == ""
    screen(centre, new, THOUGHTS)
    assert kinds(centre, new) == {"contact", "report", "inform", "supervise"}
    assert cover_of(centre.db, actor=lan, case=new).raised_at


def test_duty_or_the_director_looks_within_its_clock(centre: Centre) -> None:
    """Ten minutes at level 4: then the director hears; a look at the cards ends it, by whoever has duty."""
    case = in_danger(centre, NOW)
    director = centre.school["director"]
    (task,) = tasks_about(centre.db, case.client_id, ("inform",))
    assert round((task.due_at - now()).total_seconds() / 60) == 10
    with time_machine.travel(now() + timedelta(minutes=11), tick=True):
        escalate(centre.db)
        assert "task_overdue" in {one.kind for one in notices_of(centre.db, director.holder_id)}
    assert cards_unseen(centre.db, actor=director) == cards_unseen(centre.db, actor=on_duty(centre)) == 1
    read_cards(centre.db, actor=on_duty(centre))
    assert cards_unseen(centre.db, actor=director) == 0
    assert task.outcome == "seen" and tasks_about(centre.db, case.client_id, ("inform",)) == []
    with time_machine.travel(now() + timedelta(minutes=5), tick=True):
        record_crisis(centre, case)
        lan = centre.school["lan"]
        asked = ask_lowering(centre.db, actor=lan, case=case, level=1, reason="谈过")
        give_second_signature(centre.db, actor=director, task_id=asked.task_id, agreed=True)
        apply_lowering(centre.db, actor=lan, case=case)
        raise_level(centre.db, actor=lan, case=case, level=3, reason=SAW)
        (again,) = tasks_about(centre.db, case.client_id, ("inform",))
        assert round((again.due_at - now()).total_seconds() / 60) == 30


def test_whoever_has_duty_and_raises_it_has_looked(centre: Centre) -> None:
    """The case's counsellor is on duty: nobody has to tell them."""
    open_the_centre(centre)
    case = in_counselling(centre)
    raise_level(centre.db, actor=on_duty(centre, "lan"), case=case, level=4, reason=SAW)
    assert tasks_about(centre.db, case.client_id, ("inform",)) == []


def test_the_third_time_of_level_one_asks_for_supervision(centre: Centre) -> None:
    """Counted on the sealed cover: no clear row says that level 1 was found."""
    open_the_centre(centre)
    case, lan = in_counselling(centre), centre.school["lan"]
    one = {**ALL_NO, "q1": "yes"}
    for times in (1, 2, 3):
        record_screen(centre.db, actor=lan, case=case, answers=one, ticks=frozenset(), keeping="朋友")
        assert cover_of(centre.db, actor=lan, case=case).level == 1
        assert kinds(centre, case) == ({"supervise"} if times == 3 else set())


def test_whoever_watches_on_has_signed_for_this_danger(centre: Centre) -> None:
    """I1: signed at level 2; at level 3 it counts no more, nor after the level fell and rose again."""
    case, lan = in_danger(centre, THOUGHTS), centre.school["lan"]
    record_crisis(centre, case)
    task = ask_risk_owner(centre.db, actor=lan, case=case, reason="继续关注")
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=True)
    assert [piece.guard for piece in evidence_of_level(centre.db, actor=lan, case=case)] == ["SAFE"]
    with time_machine.travel(now() + timedelta(minutes=5), tick=True):
        screen(centre, case, INTENT)
        record_crisis(centre, case)
        assert evidence_of_level(centre.db, actor=lan, case=case) == []


def test_an_alarm_that_was_passed_on_stays_dutys_until_it_is_recorded(centre: Centre) -> None:
    """The client is received meanwhile: the box becomes no part of the case while somebody still tries to reach them."""
    open_the_centre(centre)
    student, duty = centre.school["S2024001"], on_duty(centre)
    raise_alarm(centre.db, actor=student, answers={**CALM, "q7": "yes"})
    (task,) = centre.db.scalars(select(Task).where(Task.kind == "contact")).all()
    finish_task(centre.db, actor=duty, task_id=task.task_id, outcome="not_reached_passed_on")
    assert ended_alarm_boxes(centre.db, task.client_id) == []  # type: ignore[arg-type]
    received(centre)
    assert centre.db.get_one(Box, task.box_id).parent_id is None
    (waiting,) = centre.db.scalars(select(Task).where(Task.kind == "contact", Task.ended_on.is_(None))).all()
    finish_task(centre.db, actor=duty, task_id=waiting.task_id, outcome="reached_safe")
    assert ended_alarm_boxes(centre.db, task.client_id) == [task.box_id]  # type: ignore[arg-type]


def test_the_client_is_shown_no_look_at_what_they_are_told_later(centre: Centre) -> None:
    """Neither the disclosure's nor the package's nor the report's line, until the day; then all of them."""
    case, row = harmed(centre)
    lan, student, teacher = (centre.school[who] for who in ("lan", "S2024001", "teacher"))
    make(centre.db, actor=lan, row=row, content=reported(centre, child_knows="later", why_later="会有危险"))
    read_report(centre.db, actor=lan, row=row)
    screen(centre, case, NOW)
    day = (today(centre.settings.time_zone) + timedelta(days=3)).isoformat()
    told, packed = sent(centre, case, filled(to_teacher(centre), informed="not_told", why_not="会更危险", tell_on=day))
    open_package(centre.db, actor=teacher, package_id=packed[0].package.package_id, promised=True)
    hidden = {"safeguarding:disclosure:read", "safeguarding:package:read", "safeguarding:report:read"}
    assert not hidden & {tag for _at, _who, tag in file_sight(centre.db, actor=student).opened}
    with writing(centre.db):
        told.told_on = today(centre.settings.time_zone)
        centre.db.execute(update(Report).values(told_on=today(centre.settings.time_zone)))
    assert hidden <= {tag for _at, _who, tag in file_sight(centre.db, actor=student).opened}


def test_whoever_reads_on_the_own_page_is_the_one_who_is_named(centre: Centre) -> None:
    """Another name typed beside a chosen colleague is replaced by theirs: the approver sees who will read it."""
    case, lan = at_level(centre), centre.school["lan"]
    row = drafted(centre, case, filled(to_teacher(centre, name="某某主任")))
    assert problems_now(centre.db, actor=lan, row=row) == {}
    submit(centre.db, actor=lan, row=row)
    assert read_form(centre.db, actor=centre.school["director"], row=row)["recipients"][0]["name"] == "班主任枫"


def test_what_a_leaver_never_sent_holds_up_nobody(centre: Centre) -> None:
    """A level-4 draft of duty's, whose record is due: withdrawn by the job, with its tasks."""
    case = in_danger(centre, NOW)
    record_crisis(centre, case)
    row = start(centre.db, actor=on_duty(centre), client_id=case.client_id, level=4)
    assert len(tasks_about(centre.db, row.disclosure_id, ("report",))) == 1
    assert run_jobs(centre.db, "packages") == ["packages: 0 keys, 0 withdrawn"]
    dismiss(centre.db, actor=centre.school["admin"], account_id=centre.school["qiu"].account_id, knowing=True)
    assert run_jobs(centre.db, "packages") == ["packages: 0 keys, 1 withdrawn"]
    assert row.state == "withdrawn" and tasks_about(centre.db, row.disclosure_id, ("report",)) == []


def test_a_colleague_who_counselled_before_takes_no_release_back(centre: Centre) -> None:
    """EX5: whether the client stands by it, only the present counsellor sees; the message stays open."""
    case = handed(centre)
    lan, qiu, student = centre.school["lan"], centre.school["qiu"], centre.school["S2024001"]
    item = supported(centre, case)
    agree_oneself(centre.db, actor=student, case=case, item=item, agreed=True)
    doctor = {"kind": "named", "holder": "", "name": "某医生", "phone": "13900005678", "way": "code", "hours": 24, "print": True}
    named = filled({**doctor, "parts": {"summary": part("一般心理问题")}}, code="EX5", release=item.item_id.hex)
    _row, packed = sent(centre, case, named)
    give_key(centre.db, actor=lan, case=case)
    accept_transfer(centre.db, actor=qiu, case=case, no_conflict=True)
    assert take_back_what_fell(centre.db, actor=lan) == [] and take_back_what_fell(centre.db, actor=qiu) == []
    assert centre.db.get_one(Package, packed[0].package.package_id).revoked_on is None


def test_a_level_below_danger_is_refused_into_a_closed_case_of_somebody_else(centre: Centre) -> None:
    """A colleague raises nothing in a case that is not theirs, closed or not."""
    case = closed(centre)
    for who in ("qiu", "director"):
        with pytest.raises((RefusedError, TransitionError)):
            raise_level(centre.db, actor=centre.school[who], case=case, level=3, reason=SAW)
