"""Back to school after a crisis: what comes before it, and the contacts that carry the first months (domain §3.8)."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from counsel.core.clock import now
from counsel.core.errors import InvalidError, RefusedError
from counsel.pathway.appointments.duty import duty_tasks, finish_task
from counsel.pathway.cases.countersign import give_second_signature
from counsel.pathway.cases.models import Case
from counsel.pathway.intake.levels import apply_lowering, ask_lowering
from counsel.pathway.safety.services import RETURN_DAYS, write_return, write_safety_plan
from counsel.risk.cards import is_watched
from counsel.tasks.services import tasks_about
from tests.conftest import Centre
from tests.services.test_danger import INTENT, PLAN, THOUGHTS, in_danger, screen
from tests.story import on_duty, record_crisis


def returning(**changes: Any) -> dict[str, Any]:
    """A complete form as the page sends it."""
    full = {"opinion": "“建议返校，门诊随访”", "sheet_place": "2号柜", "guardian_met": "昨天，母亲", "found": "情绪平稳，睡眠好"}
    full |= {"interviewed_on": now().date().isoformat(), "class_load": "not_yet", "contact_plan": "每周二午休，先发站内信"}
    return {**full, "classmates": "就说生病休息了一阵", "teacher_lines": "不单独谈这件事\n有事先打8012", **changes}


def before_return(centre: Centre) -> Case:
    """A client in danger with a record and a plan signed today."""
    case = in_danger(centre, INTENT)
    record_crisis(centre, case)
    write_safety_plan(centre.db, actor=centre.school["lan"], case=case, content=PLAN, seen_version=0, sign=True, number=1)
    return case


def sign(centre: Centre, case: Case, **changes: Any) -> None:
    """Sign the form."""
    place = {"actor": centre.school["lan"], "case": case, "seen_version": 0, "number": changes.pop("number", 1)}
    write_return(centre.db, content=returning(**changes), sign=True, **place)  # type: ignore[arg-type]


def days_until_contacts(centre: Centre, case: Case) -> list[int]:
    """In how many days each open contact is due."""
    return [round((task.due_at - now()).total_seconds() / 86400) for task in tasks_about(centre.db, case.case_id, ("contact",))]


def test_the_first_months_are_contacts_that_a_talk_tomorrow_does_not_end(centre: Centre) -> None:
    """After 1, 2, 4 weeks, then monthly; a risk talk fulfils the near one and leaves the others; duty sees the coming week."""
    case = before_return(centre)
    sign(centre, case)
    assert days_until_contacts(centre, case) == [1, *RETURN_DAYS]
    with time_machine.travel(now() + timedelta(hours=20), tick=True):
        screen(centre, case, THOUGHTS)
        assert len(days_until_contacts(centre, case)) == 7  # level 3 stands: a day from now, and the six
        assert len([task for task in duty_tasks(centre.db, actor=on_duty(centre)) if task.object_id == case.case_id]) == 2
    (near, *_later) = tasks_about(centre.db, case.case_id, ("contact",))
    finish_task(centre.db, actor=centre.school["lan"], task_id=near.task_id, outcome="reached_safe")
    assert len(days_until_contacts(centre, case)) == 7


def test_agreed_anew_the_contacts_are_six_not_twelve(centre: Centre) -> None:
    """What was agreed before is replaced; the talk that the level asks for tomorrow stays; nobody ends one by that word."""
    case = before_return(centre)
    sign(centre, case)
    with time_machine.travel(now() + timedelta(minutes=5), tick=True):
        sign(centre, case, number=2)
        assert days_until_contacts(centre, case) == [1, *RETURN_DAYS]
    (near, *_later) = tasks_about(centre.db, case.case_id, ("contact",))
    with pytest.raises(InvalidError):
        finish_task(centre.db, actor=centre.school["lan"], task_id=near.task_id, outcome="replaced")


def test_contacts_of_later_months_watch_over_nobody_yet(centre: Centre) -> None:
    """Duty and the director were told when a contact is due in the coming week, not for four months on."""
    case = before_return(centre)
    sign(centre, case)
    lan, director = centre.school["lan"], centre.school["director"]
    task = ask_lowering(centre.db, actor=lan, case=case, level=0, reason="已返校一段时间")
    give_second_signature(centre.db, actor=director, task_id=task.task_id, agreed=True)
    apply_lowering(centre.db, actor=lan, case=case)
    for one in tasks_about(centre.db, case.case_id, ("contact",)):
        if one.due_at < now() + timedelta(days=8):
            finish_task(centre.db, actor=lan, task_id=one.task_id, outcome="reached_safe")
    assert days_until_contacts(centre, case) == list(RETURN_DAYS[1:]) and not is_watched(centre.db, case.client_id)
    with time_machine.travel(now() + timedelta(days=8), tick=True):
        assert is_watched(centre.db, case.client_id)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"interviewed_on": "2099-01-01"}, "interviewed_on"),
        ({"interviewed_on": ""}, "interviewed_on"),
        ({"guardian_met": ""}, "guardian_met"),
        ({"opinion": ""}, "opinion"),
        ({"classmates": ""}, "classmates"),
        ({"teacher_lines": "一\n二\n三\n四\n五\n六"}, "teacher_lines"),
        ({"found": "诊断为抑郁症"}, "found"),
    ],
)
def test_what_must_come_first_is_said(centre: Centre, changes: dict[str, str], field: str) -> None:
    """Beside the field; no contact is opened."""
    case = before_return(centre)
    with pytest.raises(InvalidError) as found:
        sign(centre, case, **changes)
    assert field in found.value.problems and days_until_contacts(centre, case) == [1]


def test_a_crisis_record_from_before_the_talk_is_not_enough(centre: Centre) -> None:
    """A new F07 belongs to the return, and a safety plan."""
    case = in_danger(centre, INTENT)
    record_crisis(centre, case)
    with time_machine.travel(now() + timedelta(days=30), tick=True), pytest.raises(InvalidError) as found:
        sign(centre, case)
    assert found.value.problems["found"] == "record_first" and found.value.problems["contact_plan"] == "plan_first"


def test_only_the_cases_own_counsellor_writes_it(centre: Centre) -> None:
    """Neither a colleague nor the director nor the class teacher."""
    case = before_return(centre)
    for who in ("qiu", "director", "teacher"):
        with pytest.raises(RefusedError):
            place = {"actor": centre.school[who], "case": case, "seen_version": 0, "number": 1}
            write_return(centre.db, content=returning(), sign=False, **place)  # type: ignore[arg-type]
