"""What a level sets going: clocks, the crisis record, the card that duty holds, the client's own safety plan (篇4 五)."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from counsel.audit.models import AuditLine
from counsel.core.clock import now
from counsel.core.errors import InvalidError, RefusedError, TransitionError, UnreadableError
from counsel.home.file import own_files, own_form
from counsel.jobs.runner import run_jobs
from counsel.keys.boxes import open_box
from counsel.keys.models import Box
from counsel.outbox.notices import notices_of
from counsel.pathway.appointments.duty import finish_task
from counsel.pathway.cases.countersign import give_second_signature, waiting_signatures
from counsel.pathway.cases.dossier import SAFETY
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import cover_of
from counsel.pathway.closing.evaluation import waive_evaluation
from counsel.pathway.closing.services import close_case, end_counselling
from counsel.pathway.intake.informing import record_told
from counsel.pathway.intake.levels import (
    SHORT,
    apply_lowering,
    ask_lowering,
    ask_risk_owner,
    raise_level,
    record_screen,
    record_short_screen,
)
from counsel.pathway.safety.services import write_safety_plan
from counsel.records.services import item_of
from counsel.risk.cards import count_cards, forget_ended_cards, has_card, read_cards
from counsel.risk.models import SafetyCard
from counsel.tasks.models import Task
from counsel.tasks.services import tasks_about
from tests.conftest import Centre
from tests.services.test_ending import report, with_session
from tests.story import ALL_NO, in_counselling, on_duty, open_the_centre, record_crisis

PLAN = {"signs": "睡不着", "own_steps": "写下来", "people": "操场", "professionals": "12356", "means": "姨妈收着"}
THOUGHTS = {**ALL_NO, "q2": "yes", "q3": "yes"}  # level 2
INTENT = {**ALL_NO, "q2": "yes", "q4": "yes"}  # level 3
NOW = {**ALL_NO, "q2": "yes", "q7": "yes", "q8a": "yes"}  # level 4


def screen(centre: Centre, case: Case, answers: dict[str, str]) -> None:
    """Ask the risk questions."""
    record_screen(centre.db, actor=centre.school["lan"], case=case, answers=answers, ticks=frozenset(), keeping="妹妹")


def in_danger(centre: Centre, answers: dict[str, str] = THOUGHTS) -> Case:
    """A case in counselling in which somebody has just said so."""
    open_the_centre(centre)
    case = in_counselling(centre)
    screen(centre, case, answers)
    return case


def due(centre: Centre, case: Case, kind: str) -> list[float]:
    """Return in how many hours, rounded, the open tasks of a kind are due."""
    return [round((task.due_at - now()).total_seconds() / 3600) for task in tasks_about(centre.db, case.case_id, (kind,))]


@pytest.mark.parametrize(("answers", "record", "contact"), [(THOUGHTS, 24, 72), (INTENT, 24, 24), (NOW, 2, 24)])
def test_a_level_starts_its_clocks(centre: Centre, answers: dict[str, str], record: int, contact: int) -> None:
    """Domain §3.3: the record and the next contact, by the clock; the director is told that there is something, no more."""
    case = in_danger(centre, answers)
    assert (due(centre, case, "report"), due(centre, case, "contact")) == ([record], [contact])
    kinds = [row.kind for row in notices_of(centre.db, centre.school["director"].holder_id)]
    assert kinds == ["level_raised"]
    assert notices_of(centre.db, centre.school["qiu"].holder_id) == []


def test_a_calm_or_low_answer_starts_nothing(centre: Centre) -> None:
    """Level 0 and 1 go on as planned."""
    open_the_centre(centre)
    case = in_counselling(centre)
    for answers in (ALL_NO, {**ALL_NO, "q1": "yes"}):
        screen(centre, case, answers)
    assert tasks_about(centre.db, case.case_id) == [] and not has_card(centre.db, case.client_id)


def test_worse_brings_the_record_forward_and_asking_again_only_the_contact(centre: Centre) -> None:
    """From 2 to 4 there is one record, due sooner; the same level asked again begins the next contact anew."""
    case = in_danger(centre)
    screen(centre, case, NOW)
    assert due(centre, case, "report") == [2] and due(centre, case, "contact") == [24]
    record_crisis(centre, case)
    with time_machine.travel(now() + timedelta(hours=20), tick=True):
        screen(centre, case, THOUGHTS)  # a calmer answer lowers nothing
        assert due(centre, case, "contact") == [24] and due(centre, case, "report") == []
    ended = centre.db.scalars(select(Task.outcome).where(Task.object_id == case.case_id, Task.kind == "contact")).all()
    assert sorted(str(outcome) for outcome in ended) == ["None", "reached_safe", "reached_safe"]


def test_the_record_ends_its_task_gives_duty_a_card_and_asks_for_a_second_signature(centre: Centre) -> None:
    """R4-16; duty and the director open the card, each opening on record; a further record replaces it."""
    case = in_danger(centre)
    with pytest.raises(InvalidError):
        record_crisis(centre, case, measures=" ")
    assert due(centre, case, "report") == [24]
    record_crisis(centre, case)
    assert due(centre, case, "report") == [] and count_cards(centre.db, actor=centre.school["qiu"]) == 1
    record_crisis(centre, case, duty_needs="先问药在哪", unasked="半小时前刚问过")
    for who in (on_duty(centre), centre.school["director"]):
        (card,) = read_cards(centre.db, actor=who)
        assert card.content is not None
        assert card.content["duty_needs"] == "先问药在哪" and card.content["level"] == 2
        assert "why" not in card.content and "found" not in card.content
    lines = centre.db.scalars(select(AuditLine).where(AuditLine.tag == "risk:card:read")).all()
    assert [line.subject_id for line in lines] == [case.client_id] * 2
    waiting = waiting_signatures(centre.db, actor=centre.school["director"])
    assert len(waiting) == 2
    give_second_signature(centre.db, actor=centre.school["director"], task_id=waiting[0].task_id, agreed=True)


def test_a_record_has_answers_and_a_plan_beside_it_or_says_why_not(centre: Centre) -> None:
    """F07: a level raised at will needs the questions since, or the reason; from level 2 on the same holds for the plan."""
    open_the_centre(centre)
    case, lan = in_counselling(centre), centre.school["lan"]
    with time_machine.travel(now() + timedelta(days=3), tick=True):
        screen(centre, case, ALL_NO)
    with time_machine.travel(now() + timedelta(days=3, hours=1), tick=True):
        record_short_screen(centre.db, actor=lan, case=case, answers=dict.fromkeys(SHORT, "no"))
        raise_level(centre.db, actor=lan, case=case, level=3, reason="同学说他带了药")
        with pytest.raises(InvalidError) as found:
            record_crisis(centre, case, unplanned=" ")
        assert found.value.problems == {"unasked": "unasked", "unplanned": "unplanned"}
        assert due(centre, case, "report") == [24]
        screen(centre, case, INTENT)
        with pytest.raises(InvalidError) as found:
            record_crisis(centre, case, unplanned="")
        assert found.value.problems == {"unplanned": "unplanned"}
        write_safety_plan(centre.db, actor=lan, case=case, content=PLAN, seen_version=0, sign=True, number=1)
        record_crisis(centre, case, unplanned="")
        record_short_screen(centre.db, actor=lan, case=case, answers=dict.fromkeys(SHORT, "no"))
        with pytest.raises(InvalidError, match="unasked"):  # a further record rests on new answers, to the whole list
            record_crisis(centre, case)
        screen(centre, case, THOUGHTS)
    with time_machine.travel(now() + timedelta(days=4), tick=True):
        record_crisis(centre, case)  # asked the evening before, after the record before
        record_crisis(centre, case, unasked="送医途中，无法逐条问")


def test_after_the_end_a_calm_answer_is_written_as_long_as_the_level_stands(centre: Centre) -> None:
    """Danger goes on being asked about in a closed case; without danger nothing more is written into it."""
    case = in_danger(centre)
    record_crisis(centre, case)
    task = ask_risk_owner(centre.db, actor=centre.school["lan"], case=case, reason="家长和学校接手")
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=True)
    end_counselling(centre.db, actor=centre.school["lan"], case=case, asked_by="client")
    close_case(centre.db, actor=centre.school["lan"], case=case, reason="withdrawn")
    screen(centre, case, ALL_NO)
    record_crisis(centre, case)
    task = ask_lowering(centre.db, actor=centre.school["lan"], case=case, level=0, reason="两次谈话都没有想法")
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=True)
    assert apply_lowering(centre.db, actor=centre.school["lan"], case=case) == 0
    with pytest.raises(RefusedError):
        screen(centre, case, ALL_NO)


def test_nobody_else_opens_a_card(centre: Centre) -> None:
    """By rule: a colleague off duty, the desk, the administrator, the client. By key: whoever is not of `duty`."""
    case = in_danger(centre)
    record_crisis(centre, case)
    for who in ("qiu", "lan", "desk", "admin", "S2024001", "S2024002"):
        with pytest.raises(RefusedError):
            read_cards(centre.db, actor=centre.school[who])
    box_id = centre.db.scalars(select(SafetyCard.box_id)).one()
    for who in ("desk", "admin", "S2024001", "S2024002"):
        keyring = centre.school[who].keyring
        assert keyring is not None
        with pytest.raises(UnreadableError):
            open_box(centre.db, keyring, box_id)


def test_a_card_ends_when_the_level_falls_and_no_copy_opens_any_more(centre: Centre) -> None:
    """Lowered with reason and second signature: the card goes at once, its lock with the next sweep."""
    case = in_danger(centre)
    record_crisis(centre, case)
    lan, director = centre.school["lan"], centre.school["director"]
    copy = centre.db.scalars(select(SafetyCard)).one()
    kept = {"client_id": copy.client_id, "box_id": copy.box_id, "sealed": copy.sealed, "on_day": copy.on_day}
    task = ask_lowering(centre.db, actor=lan, case=case, level=1, reason="两次谈话都没有想法")
    give_second_signature(centre.db, actor=director, task_id=task.task_id, agreed=True)
    assert apply_lowering(centre.db, actor=lan, case=case) == 1
    assert read_cards(centre.db, actor=director) == [] and not has_card(centre.db, case.client_id)
    assert forget_ended_cards(centre.db) == "2 cards" and forget_ended_cards(centre.db) == "0 cards"
    assert centre.db.get(Box, kept["box_id"]) is None
    centre.db.add(SafetyCard(**kept))
    centre.db.commit()
    assert [card.content for card in read_cards(centre.db, actor=director)] == [None]  # a row put back from a copy opens nothing


def test_one_spoilt_card_hides_no_other(centre: Centre) -> None:
    """At night the others must open."""
    case = in_danger(centre)
    record_crisis(centre, case)
    other = SafetyCard(client_id=case.case_id, box_id=case.box_id, sealed=b"x" * 200, on_day=now().date())
    centre.db.add(other)
    centre.db.commit()
    said = [card.content for card in read_cards(centre.db, actor=centre.school["director"])]
    assert len(said) == 2 and {row["case_no"] if row else None for row in said} == {case.case_no, None}
    centre.db.execute(update(SafetyCard).where(SafetyCard.client_id == case.client_id).values(sealed=b"y" * 200))
    centre.db.commit()
    assert [card.content for card in read_cards(centre.db, actor=centre.school["director"])] == [None, None]


def test_nothing_about_danger_ends_without_its_record(centre: Centre) -> None:
    """R4-16, I1: the client ends at once; the case closes when the record is signed and somebody watches on."""
    case = with_session(centre)
    screen(centre, case, THOUGHTS)
    lan = centre.school["lan"]
    end_counselling(centre.db, actor=centre.school["S2024001"], case=case)
    report(centre, case)
    waive_evaluation(centre.db, actor=lan, case=case, reason="withdrawn")
    task = ask_risk_owner(centre.db, actor=lan, case=case, reason="继续关注")
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=True)
    with pytest.raises(TransitionError, match="SAFE"):
        close_case(centre.db, actor=lan, case=case, reason="withdrawn")
    record_crisis(centre, case)
    close_case(centre.db, actor=lan, case=case, reason="withdrawn")
    assert case.state == "closed" and has_card(centre.db, case.client_id)  # duty watches on


def test_past_each_deadline_the_right_people_are_told(centre: Centre) -> None:
    """The record is late: the director after ten minutes, the leader half an hour later; signed in time, nobody."""
    case = in_danger(centre, NOW)
    director = centre.school["director"]
    for whom in ("guardian", "leader"):
        record_told(centre.db, actor=centre.school["lan"], case=case, whom=whom, outcome="told", words="电话告知")
    read_cards(centre.db, actor=on_duty(centre))
    moment = now()
    for minutes, kinds in ((119, 1), (131, 2), (162, 2)):
        with time_machine.travel(moment + timedelta(minutes=minutes), tick=True):
            said = run_jobs(centre.db, "escalate")[0]
        assert len(notices_of(centre.db, director.holder_id)) == kinds, said
    assert said == "escalate: 0 tasks, 1 to the leader"
    record_crisis(centre, case)
    with time_machine.travel(moment + timedelta(hours=23), tick=True):
        assert run_jobs(centre.db, "escalate") == ["escalate: 0 tasks, 0 to the leader"]


def test_the_counsellor_ends_the_contact_of_the_own_case_and_no_colleague_does(centre: Centre) -> None:
    """A recorded contact ends it, by the case's own counsellor too, not only by duty."""
    case = in_danger(centre)
    (task,) = tasks_about(centre.db, case.case_id, ("contact",))
    with pytest.raises(RefusedError):
        finish_task(centre.db, actor=centre.school["qiu"], task_id=task.task_id, outcome="reached_safe")
    finish_task(centre.db, actor=centre.school["lan"], task_id=task.task_id, outcome="reached_safe")
    assert task.outcome == "reached_safe" and due(centre, case, "contact") == [24]  # the next one


def test_the_client_reads_the_own_safety_plan_and_nobody_reads_it_over_the_shoulder(centre: Centre) -> None:
    """Signed on a page both look at, then on the own page, each version; another client is refused."""
    case = in_danger(centre)
    lan, student = centre.school["lan"], centre.school["S2024001"]
    write_safety_plan(centre.db, actor=lan, case=case, content=PLAN, seen_version=0, sign=True, number=1)
    item = item_of(centre.db, case.shared_box_id, SAFETY.code)
    assert item is not None
    found = own_form(centre.db, actor=student, case=case, item_id=item.item_id)
    assert found[1][0]["own_steps"] == "写下来"
    assert [form.item.kind for file in own_files(centre.db, actor=student) for form in file.forms].count("safety") == 1
    with pytest.raises(RefusedError):
        own_form(centre.db, actor=centre.school["S2024002"], case=case, item_id=item.item_id)
    with pytest.raises(RefusedError):
        write_safety_plan(centre.db, actor=centre.school["qiu"], case=case, content=PLAN, seen_version=0, sign=True, number=2)
    assert cover_of(centre.db, actor=lan, case=case).level == 2
