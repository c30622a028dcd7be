"""The report the law demands about a harmed minor, and major events told to leadership (篇8 二十; domain §3.6; A34)."""

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import delete, func, select, update

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import at_local, local, now, today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError, RefusedError, TransitionError
from counsel.jobs.telling import escalate
from counsel.keys.models import Grant, Holder
from counsel.outbox.notices import notices_of
from counsel.pathway.appointments.alarms import raise_alarm
from counsel.pathway.assessment.services import write_assessment
from counsel.pathway.cases.lifecycle import CLIENT
from counsel.pathway.cases.models import Case
from counsel.pathway.closing.services import end_counselling
from counsel.pathway.intake.levels import record_screen
from counsel.pathway.intake.services import decide_intake
from counsel.pathway.referral.services import hold
from counsel.pathway.referral.transfer import add_second_reader
from counsel.people.conflicts import declared_against
from counsel.people.exclusions import excluded_for
from counsel.people.models import Client, Student
from counsel.risk.models import Report, ReportSeen
from counsel.risk.reports import is_stopped, owed_about, reports_told
from counsel.safeguarding.disclosure.told import told_about_me
from counsel.safeguarding.reports.draft import EVENTS, SIGNS
from counsel.safeguarding.reports.events import acknowledge, count_unseen, own_events, raise_event, told_to_me, who_saw
from counsel.safeguarding.reports.found import add_to_report, find_report, read_report
from counsel.safeguarding.reports.mandatory import (
    begin,
    child_was_told,
    end_without,
    made_before,
    make,
    overdue_reports,
    owed_by,
    reports_in,
)
from counsel.tasks.models import Task
from tests.conftest import Centre
from tests.services.test_disclosure import filled, problems, to_mother, to_teacher
from tests.services.test_power import cut_everywhere
from tests.story import ALL_NO, ASSESSED, CALM, in_counselling, on_duty, open_the_centre

HARMED = {**ALL_NO, "q11": "yes"}
SAFE_TICK = frozenset({"q11_safe"})


def rung(centre: Centre, minutes: int = 1, **more: str) -> dict[str, str]:
    """A call a moment ago, by the school's clock."""
    at = local(now() - timedelta(minutes=minutes), house_of(centre.db).settings.time_zone)
    return {"day": at.date().isoformat(), "clock": f"{at:%H:%M}", "taken": "接警员0117", "reply": "", **more}


def reported(centre: Centre, **changes: Any) -> dict[str, Any]:
    """A complete report as the form sends it."""
    full = {"signs": ["violence"], "seen": "手臂上有条状伤痕，说是家里人打的", "safe_now": "在咨询室，由值班老师陪着"}
    full |= {"calls": {"police": rung(centre)}, "suspects": [], "child_knows": "told", "why_later": ""}
    return {**full, **changes}


def harmed(centre: Centre, student: str = "S2024001") -> tuple[Case, Report]:
    """A case in which the answers oblige the counsellor to report."""
    open_the_centre(centre)
    case = in_counselling(centre, student)
    record_screen(centre.db, actor=centre.school["lan"], case=case, answers=HARMED, ticks=SAFE_TICK, keeping="奶奶")
    (row,) = owed_about(centre.db, case.client_id)
    return case, row


def suspect(centre: Centre, who: str, name: str) -> dict[str, str]:
    """A colleague who is suspected."""
    holder = centre.school[who].holder_id
    assert holder is not None
    return {"name": name, "holder": holder.hex}


def test_an_answer_obliges_to_report_whatever_the_level(centre: Centre) -> None:
    """Q11 for a minor: level 1, safe today, and the report is owed within two hours all the same."""
    case, row = harmed(centre)
    lan, settings = centre.school["lan"], house_of(centre.db).settings
    assert owed_by(centre.db, actor=lan) == [row] and reports_in(centre.db, actor=lan, case=case) == [row]
    assert timedelta(hours=1, minutes=58) < row.due_at - now() <= timedelta(hours=settings.report_clock_hours)
    record_screen(centre.db, actor=lan, case=case, answers=HARMED, ticks=SAFE_TICK, keeping="奶奶")
    assert owed_about(centre.db, case.client_id) == [row]  # asked twice, owed once
    assert not owed_by(centre.db, actor=centre.school["qiu"]) and not owed_by(centre.db, actor=centre.school["director"])


def test_suspected_abuse_in_the_assessment_obliges_too(centre: Centre) -> None:
    """P18 as one of the problems, when the form is signed and not before."""
    open_the_centre(centre)
    case = in_counselling(centre)
    content = {**ASSESSED, "other_problems": ["P18"]}
    place = {"actor": centre.school["lan"], "case": case, "content": content, "number": 2}
    write_assessment(centre.db, **place, seen_version=0, sign=False)  # type: ignore[arg-type]
    assert owed_about(centre.db, case.client_id) == []
    write_assessment(centre.db, **place, seen_version=1, sign=True)  # type: ignore[arg-type]
    assert len(owed_about(centre.db, case.client_id)) == 1


def test_of_age_nothing_is_owed(centre: Centre) -> None:
    """On the eve of the birthday it is owed, on the birthday not."""
    open_the_centre(centre)
    case, lan = in_counselling(centre), centre.school["lan"]
    with time_machine.travel(date(2027, 3, 1), tick=True):  # born 2009-03-01
        assert begin(centre.db, actor=lan, client_id=case.client_id, case=case) is None
    with time_machine.travel(date(2027, 2, 27), tick=True):
        assert begin(centre.db, actor=lan, client_id=case.client_id, case=case) is not None


def test_it_is_made_with_nobodys_yes_and_leadership_hears_only_that(centre: Centre) -> None:
    """One signature, the police first; the leader sees a day, opens nothing, and acknowledges it."""
    case, row = harmed(centre)
    lan, leader = centre.school["lan"], centre.school["leader"]
    make(centre.db, actor=lan, row=row, content=reported(centre))
    assert (row.outcome, row.told_on) == ("reported", today(house_of(centre.db).settings.time_zone))
    opened = read_report(centre.db, actor=lan, row=row)
    assert opened.content["seen"].startswith("手臂") and opened.content["by"] == "岚老师"
    (told,) = told_to_me(centre.db, actor=leader)
    assert not told.is_event and count_unseen(centre.db, actor=leader) == 1
    assert [notice.kind for notice in notices_of(centre.db, leader.holder_id)] == ["event"]
    for who in ("leader", "director", "qiu", "teacher", "supervisor", "admin", "archive"):
        for kind, permission in (("mandatory", Permission.REPORT_READ), ("event", Permission.EVENT_READ)):
            with pytest.raises(RefusedError):
                find_report(centre.db, actor=centre.school[who], report_id=row.report_id, kind=kind, permission=permission)
    acknowledge(centre.db, actor=leader, row=row)
    acknowledge(centre.db, actor=leader, row=row)
    assert count_unseen(centre.db, actor=leader) == 0 and who_saw(centre.db, row)[0][0] == "校领导松"
    assert (
        not owed_by(centre.db, actor=lan) and centre.db.query(Task).filter_by(object_id=row.report_id).one().outcome == "recorded"
    )
    assert case.client_id == row.client_id


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"signs": []}, "signs"),
        ({"signs": ["gossip"]}, "signs"),
        ({"seen": " "}, "seen"),
        ({"seen": "长" * 1501}, "seen"),
        ({"safe_now": ""}, "safe_now"),
        ({"calls": {}}, "police_day"),
        ({"calls": {"police": {"day": "昨天", "clock": "10:00", "taken": "某"}}}, "police_day"),
        ({"calls": {"police": {"day": "2099-01-01", "clock": "10:00", "taken": "某"}}}, "police_day"),
        ({"calls": {"police": {"day": "2026-01-01", "clock": "10:00", "taken": ""}}}, "police_taken"),
        ({"calls": {"education": {"day": "2026-01-01", "clock": "10:00", "taken": "某"}}}, "police_day"),
        ({"child_knows": ""}, "child_knows"),
        ({"child_knows": "later", "why_later": ""}, "why_later"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_kept(centre: Centre, changes: dict[str, Any], field: str) -> None:
    """Each gap beside its field; the report is owed as before."""
    _case, row = harmed(centre)
    with pytest.raises(InvalidError) as found:
        make(centre.db, actor=centre.school["lan"], row=row, content=reported(centre, **changes))
    assert field in found.value.problems
    assert row.ended_on is None and centre.db.scalar(select(func.count()).select_from(ReportSeen)) == 0


def test_whoever_is_suspected_meets_no_trace(centre: Centre) -> None:
    """A suspected second reader holds a key to the case and none to the report; is barred from work; is never told again."""
    case, row = harmed(centre)
    lan, qiu = centre.school["lan"], centre.school["qiu"]
    add_second_reader(centre.db, actor=lan, case=case, holder_id=qiu.holder_id)
    people = [suspect(centre, "qiu", "秋老师"), {"name": "苏家长", "holder": ""}]
    make(centre.db, actor=lan, row=row, content=reported(centre, suspects=people))
    holders = {grant.holder_id for grant in centre.db.query(Grant).filter_by(box_id=row.box_id)}
    assert holders == {lan.holder_id}
    with pytest.raises(RefusedError):
        read_report(centre.db, actor=qiu, row=row)
    assert excluded_for(centre.db, actor=qiu, client_id=case.client_id) == ()
    assert {person.name for person in excluded_for(centre.db, actor=lan, client_id=case.client_id)} == {"秋老师", "苏家长"}
    assert qiu.holder_id in declared_against(centre.db, case.client_id)
    assert notices_of(centre.db, qiu.holder_id) == []
    assert reports_in(centre.db, actor=qiu, case=case) == [] and reports_in(centre.db, actor=lan, case=case) == [row]
    mother = to_mother(name="苏家长")
    assert "r0_name" in problems(centre, case, filled(mother, code="EX3"))


def test_a_holder_that_is_none_is_no_holder(centre: Centre) -> None:
    """A tampered form names nobody by it, and nothing crashes; the name stands."""
    case, row = harmed(centre)
    make(
        centre.db, actor=centre.school["lan"], row=row, content=reported(centre, suspects=[{"name": "某人", "holder": "' OR 1"}])
    )
    (person,) = excluded_for(centre.db, actor=centre.school["lan"], client_id=case.client_id)
    assert (person.name, person.holder) == ("某人", "")


def test_a_suspected_leader_does_not_hear_that_it_was_made(centre: Centre) -> None:
    """Neither by account nor by name."""
    _case, row = harmed(centre)
    make(centre.db, actor=centre.school["lan"], row=row, content=reported(centre, suspects=[{"name": "校领导松", "holder": ""}]))
    assert told_to_me(centre.db, actor=centre.school["leader"]) == []
    assert notices_of(centre.db, centre.school["leader"].holder_id) == []


def watched_by_duty(centre: Centre) -> tuple[SignedIn, Any]:
    """A student who has raised an alarm, and the duty counsellor."""
    open_the_centre(centre)
    student = centre.school["S2024003"]
    raise_alarm(centre.db, actor=student, answers={**CALM, "q7": "yes"})
    return on_duty(centre), student.client_id


def test_duty_reports_beside_a_case_that_the_suspect_counsels(centre: Centre) -> None:
    """The counsellor of the case is the suspect: nothing on their pages, no task of theirs, the director takes the case away."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan, duty = centre.school["lan"], on_duty(centre)
    raise_alarm(centre.db, actor=centre.school["S2024001"], answers={**CALM, "q7": "yes"})
    row = begin(centre.db, actor=duty, client_id=case.client_id)
    assert row is not None and row.case_id is None
    assert (
        reports_in(centre.db, actor=lan, case=case) == []
        and owed_by(centre.db, actor=lan) == []
        and owed_by(centre.db, actor=duty) == [row]
    )
    assert centre.db.query(Task).filter_by(object_id=row.report_id).one().client_id is None
    make(
        centre.db,
        actor=duty,
        row=row,
        content=reported(centre, suspects=[suspect(centre, "lan", "岚老师")], child_knows="later", why_later="等安全后"),
    )
    with pytest.raises(RefusedError):
        find_report(centre.db, actor=lan, report_id=row.report_id, kind="mandatory", permission=Permission.REPORT_READ)
    kinds = [notice.kind for notice in notices_of(centre.db, centre.school["director"].holder_id)]
    assert "conflict_found" in kinds and notices_of(centre.db, lan.holder_id) == []
    assert lan.holder_id not in declared_against(centre.db, case.client_id)  # that would show at once
    assert reports_told(centre.db, case.client_id) == []


def test_only_who_was_told_may_begin(centre: Centre) -> None:
    """Duty for a client with an alarm; nobody for anybody else, as if there were no such client."""
    duty, client_id = watched_by_duty(centre)
    assert begin(centre.db, actor=duty, client_id=client_id) is not None
    for who, whom in ((centre.school["lan"], client_id), (duty, centre.school["S2024002"].client_id), (duty, None)):
        with pytest.raises(RefusedError):
            begin(centre.db, actor=who, client_id=whom)


def test_what_a_colleague_reported_on_duty_is_not_shown_to_the_next(centre: Centre) -> None:
    """Two on duty about the same client: neither meets the other's report, nor ends the own by it."""
    duty, client_id = watched_by_duty(centre)
    first = begin(centre.db, actor=duty, client_id=client_id)
    assert first is not None
    make(centre.db, actor=duty, row=first, content=reported(centre))
    director = centre.school["director"]
    second = begin(centre.db, actor=director, client_id=client_id)
    assert second is not None and second.report_id != first.report_id
    assert made_before(centre.db, second) == []
    with pytest.raises(InvalidError):
        end_without(centre.db, actor=director, row=second, outcome="known")
    again = begin(centre.db, actor=duty, client_id=client_id)
    assert again is not None and made_before(centre.db, again) == [first]


@pytest.mark.parametrize("broken", ["card", "case", "counsellor"])
def test_nothing_that_is_broken_holds_up_a_report(centre: Centre, broken: str) -> None:
    """A card, a case or a colleague's keys that no longer open: the report is owed and made all the same."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan, director = centre.school["lan"], centre.school["director"]
    if broken == "card":
        centre.db.execute(update(Client).where(Client.client_id == case.client_id).values(card_sealed=b"gone"))
    elif broken == "case":
        centre.db.execute(delete(Grant).where(Grant.box_id == case.box_id))
    else:
        centre.db.execute(update(Holder).where(Holder.holder_id == lan.holder_id).values(kem_public=b"planted"))
    centre.db.commit()
    if broken == "counsellor":
        raise_alarm(centre.db, actor=centre.school["S2024001"], answers={**CALM, "q7": "yes"})
        row = begin(centre.db, actor=director, client_id=case.client_id)
        assert row is not None
        row.case_id = case.case_id
        centre.db.commit()
        make(centre.db, actor=director, row=row, content=reported(centre))
    else:
        row = begin(centre.db, actor=lan, client_id=case.client_id, case=case)
        assert row is not None
        make(centre.db, actor=lan, row=row, content=reported(centre))
    assert row.outcome == "reported"


def test_a_spoilt_card_holds_back_neither_an_event_nor_what_the_assessment_found(centre: Centre) -> None:
    """Every card of the roll and every client's card: the event is told, the signed assessment obliges to report."""
    open_the_centre(centre)
    case = in_counselling(centre)
    centre.db.execute(update(Student).values(card_sealed=b"gone"))
    centre.db.execute(update(Client).values(card_sealed=b"gone"))
    centre.db.commit()
    _row, reached = raise_event(centre.db, actor=centre.school["qiu"], content=event(centre))
    assert reached == 1
    harmed_too = {**ASSESSED, "other_problems": ["P18"]}
    lan = centre.school["lan"]
    write_assessment(centre.db, actor=lan, case=case, content=harmed_too, number=2, seen_version=0, sign=True)
    assert len(owed_by(centre.db, actor=lan)) == 1


def test_past_the_hard_stop_the_case_stands_still_but_never_the_client(centre: Centre) -> None:
    """Before it no end, after it no step of the counsellor; the client may go at any time."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan = centre.school["lan"]
    begin(centre.db, actor=lan, client_id=case.client_id, case=case)
    assert is_stopped(centre.db, case.case_id, "closed") and not is_stopped(centre.db, case.case_id, "closing")
    with time_machine.travel(now() + timedelta(hours=25), tick=True):
        with pytest.raises(TransitionError, match="REPORT"):
            hold(centre.db, actor=lan, case=case, resume_on=now().date() + timedelta(days=9), reason="holiday")
        end_counselling(centre.db, actor=centre.school["S2024001"], case=case)
    assert case.state == "closing" and case.ended_by == CLIENT


def test_it_escalates_to_the_director_as_a_figure(centre: Centre) -> None:
    """After two hours and the grace the director hears that a task is overdue; later the leader, and no more than that."""
    _case, row = harmed(centre)
    director, leader = centre.school["director"], centre.school["leader"]
    with time_machine.travel(row.due_at + timedelta(minutes=5), tick=True):
        escalate(centre.db)
        assert notices_of(centre.db, director.holder_id) == [] and overdue_reports(centre.db) == 1
    with time_machine.travel(row.due_at + timedelta(minutes=11), tick=True):
        escalate(centre.db)
        assert [one.kind for one in notices_of(centre.db, director.holder_id)] == ["task_overdue"]
        assert notices_of(centre.db, leader.holder_id) == []
    with time_machine.travel(row.due_at + timedelta(minutes=45), tick=True):
        escalate(centre.db)
        assert [one.kind for one in notices_of(centre.db, leader.holder_id)] == ["task_overdue"]


def test_the_child_finds_it_only_after_being_told(centre: Centre) -> None:
    """Later with a reason; then the counsellor says that it was told, and it stands on the page without a word of content."""
    case, row = harmed(centre)
    lan, student = centre.school["lan"], centre.school["S2024001"]
    make(centre.db, actor=lan, row=row, content=reported(centre, child_knows="later", why_later="家里会看手机"))
    assert reports_told(centre.db, case.client_id) == [] and told_about_me(centre.db, actor=student) == []
    with pytest.raises(RefusedError):
        child_was_told(centre.db, actor=centre.school["qiu"], row=row)
    child_was_told(centre.db, actor=lan, row=row)
    assert reports_told(centre.db, case.client_id) == [row]


def test_made_once_added_to_later(centre: Centre) -> None:
    """A second window is told; what comes later stands beside it; the same harm is not reported twice."""
    case, row = harmed(centre)
    lan = centre.school["lan"]
    make(centre.db, actor=lan, row=row, content=reported(centre))
    with pytest.raises(ConflictError):
        make(centre.db, actor=lan, row=row, content=reported(centre))
    with pytest.raises(InvalidError):
        add_to_report(centre.db, actor=lan, row=row, words="  ")
    add_to_report(centre.db, actor=lan, row=row, words="派出所回电，已立案")
    assert [text["words"] for text in read_report(centre.db, actor=lan, row=row).more] == ["派出所回电，已立案"]
    again = begin(centre.db, actor=lan, client_id=case.client_id, case=case)
    assert again is not None and again.report_id != row.report_id and made_before(centre.db, again) == [row]
    end_without(centre.db, actor=lan, row=again, outcome="known")
    assert not is_stopped(centre.db, case.case_id, "closed") and again.box_id is None
    with pytest.raises(RefusedError):
        read_report(centre.db, actor=lan, row=again)


@pytest.mark.parametrize(("outcome", "problem"), [("known", "police_first"), ("of_age", "of_age"), ("forgotten", "unknown")])
def test_it_does_not_end_by_a_word(centre: Centre, outcome: str, problem: str) -> None:
    """Never reported before; by the roll a minor; no such way."""
    _case, row = harmed(centre)
    with pytest.raises(InvalidError) as found:
        end_without(centre.db, actor=centre.school["lan"], row=row, outcome=outcome)
    assert found.value.problems == {"outcome": problem}


def test_cut_off_anywhere_a_report_is_owed_or_made(centre: Centre) -> None:
    """Never half: neither a list without a report nor a leader told of nothing."""
    case, row = harmed(centre)
    lan = centre.school["lan"]
    read = reported(centre, suspects=[suspect(centre, "teacher", "班主任枫")])
    cuts = {"make": cut_everywhere(centre, lambda: make(centre.db, actor=lan, row=row, content=read), audit=False)}
    read_report(centre.db, actor=lan, row=row)
    cuts["add"] = cut_everywhere(centre, lambda: add_to_report(centre.db, actor=lan, row=row, words="回复"), audit=False)
    cuts["event"] = cut_everywhere(centre, lambda: raise_event(centre.db, actor=lan, content=event(centre)), audit=False)
    assert all(count >= 4 for count in cuts.values()), cuts
    assert case.case_id == row.case_id


def event(centre: Centre, **changes: Any) -> dict[str, Any]:
    """A complete major event as the form sends it."""
    at = rung(centre)
    full = {
        "kind": "harm_self",
        "day": at["day"],
        "clock": at["clock"],
        "place": "教学楼三层",
        "what": "一名学生有生命危险，已送医",
    }
    return {
        **full,
        "measures": "120已到，班里有老师陪着",
        "needs": "请到现场，暂不对外说话",
        "why_late": "",
        "but": [],
        **changes,
    }


def test_leadership_is_told_of_a_major_event_and_acknowledges_it(centre: Centre) -> None:
    """Without a case; sealed by name to leaders and directors; the reporter sees who has read it; what follows is added."""
    manager, leader, director = (centre.school[who] for who in ("manager", "leader", "director"))
    row, reached = raise_event(centre.db, actor=manager, content=event(centre, no_name=True))
    assert reached == 1 and row.client_id is None and row.case_id is None
    for who in (leader, director):  # told once each
        assert [one.object_id for one in notices_of(centre.db, who.holder_id)].count(row.report_id) == 1
    found = find_report(centre.db, actor=leader, report_id=row.report_id, kind="event", permission=Permission.EVENT_READ)
    assert read_report(centre.db, actor=leader, row=found).content["needs"].startswith("请到现场")
    assert read_report(centre.db, actor=director, row=found).content["by"] == "值班主管桐"
    assert own_events(centre.db, actor=director) == own_events(centre.db, actor=manager) == [row]
    assert own_events(centre.db, actor=centre.school["lan"]) == []
    task = centre.db.query(Task).filter_by(object_id=row.report_id, kind="inform").one()
    assert task.owner_role == "school_leader" and task.ended_on is None
    acknowledge(centre.db, actor=leader, row=row)
    assert task.outcome == "seen" and who_saw(centre.db, row)[0][1].seen_on is not None
    add_to_report(centre.db, actor=manager, row=row, words="人已脱险")
    assert read_report(centre.db, actor=leader, row=row).more[0]["words"] == "人已脱险"


def test_whoever_has_no_key_to_the_roll_says_that_nobody_is_named(centre: Centre) -> None:
    """The duty manager's keys find no pupil's name; a counsellor's do, and need no such word."""
    with pytest.raises(InvalidError) as found:
        raise_event(centre.db, actor=centre.school["manager"], content=event(centre, what="苏未名送医"))
    assert found.value.problems == {"what": "names_unchecked"}
    with pytest.raises(InvalidError) as found:
        raise_event(centre.db, actor=centre.school["lan"], content=event(centre, what="苏未名送医"))
    assert found.value.problems == {"what": "no_names"}
    assert raise_event(centre.db, actor=centre.school["lan"], content=event(centre))[1] == 1
    assert raise_event(centre.db, actor=centre.school["manager"], content=event(centre, no_name=True))[1] == 1


@pytest.mark.parametrize("who", ["lan", "qiu", "teacher", "desk", "admin", "expert", "archive", "supervisor", "S2024001"])
def test_nobody_else_reads_what_leadership_was_told(centre: Centre, who: str) -> None:
    """Refused as if it were absent; neither may they acknowledge it."""
    row, _reached = raise_event(centre.db, actor=centre.school["manager"], content=event(centre, no_name=True))
    with pytest.raises(RefusedError):
        find_report(centre.db, actor=centre.school[who], report_id=row.report_id, kind="event", permission=Permission.EVENT_READ)
    with pytest.raises(RefusedError):
        acknowledge(centre.db, actor=centre.school[who], row=row)


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"kind": ""}, "kind", "unknown"),
        ({"what": ""}, "what", "empty"),
        ({"what": "叶无声送医了"}, "what", "no_names"),
        ({"measures": "已告诉苏家长"}, "what", "no_names"),
        ({"day": ""}, "day", "empty"),
        ({"day": "2099-01-01"}, "day", "in_future"),
        ({"day": "0001-01-01", "why_late": "x"}, "day", "empty"),
        ({"day": "2026-01-01"}, "why_late", "why_late"),
        ({"needs": ""}, "needs", "empty"),
        ({"place": "远" * 121}, "place", "too_long"),
    ],
)
def test_an_event_says_the_least_and_in_time(centre: Centre, changes: dict[str, str], field: str, problem: str) -> None:
    """What is missing, what is late without a reason, and every name of the roll, beside the field."""
    with pytest.raises(InvalidError) as found:
        raise_event(centre.db, actor=centre.school["lan"], content=event(centre, **changes))
    assert found.value.problems.get(field) == problem
    assert centre.db.query(Report).count() == 0


def test_a_word_that_only_looks_like_a_name_holds_up_nothing(centre: Centre) -> None:
    """Whoever writes says that nobody is meant; leadership is told."""
    open_the_centre(centre)
    wrong = event(centre, what="叶无声地落下，一名学生有生命危险")
    with pytest.raises(InvalidError) as found:
        raise_event(centre.db, actor=centre.school["qiu"], content=wrong)
    assert found.value.problems == {"what": "no_names"}
    _row, reached = raise_event(centre.db, actor=centre.school["qiu"], content={**wrong, "no_name": True})
    assert reached == 1


def test_a_leader_who_is_part_of_an_event_hears_nothing_of_it(centre: Centre) -> None:
    """Neither a key, nor a notice, nor a line; the directors are told, and that a leader was left out."""
    open_the_centre(centre)
    leader = centre.school["leader"]
    before = len(notices_of(centre.db, leader.holder_id))
    row, reached = raise_event(centre.db, actor=centre.school["qiu"], content=event(centre, but=[leader.holder_id.hex]))
    assert reached == 0 and told_to_me(centre.db, actor=leader) == [] and len(notices_of(centre.db, leader.holder_id)) == before
    assert not centre.db.scalar(select(Grant.holder_id).where(Grant.box_id == row.box_id, Grant.holder_id == leader.holder_id))
    with pytest.raises(RefusedError):
        find_report(centre.db, actor=leader, report_id=row.report_id, kind="event", permission=Permission.EVENT_READ)
    opened = read_report(centre.db, actor=centre.school["director"], row=row)
    assert opened.content["but"] == [leader.holder_id.hex]
    assert centre.db.query(Task).filter_by(object_id=row.report_id).count() == 0  # nobody is left who could end it


def test_whoever_must_hear_nothing_does_not_hear_that_something_is_late(centre: Centre) -> None:
    """A director left out of an event; a leader who is kept away from the client of a late report."""
    director, leader, manager = (centre.school[who] for who in ("director", "leader", "manager"))
    row, reached = raise_event(centre.db, actor=manager, content=event(centre, but=[director.holder_id.hex], no_name=True))
    assert reached == 1
    task = centre.db.query(Task).filter_by(object_id=row.report_id).one()
    with time_machine.travel(task.escalates_at + timedelta(hours=2), tick=True):
        escalate(centre.db)
    assert notices_of(centre.db, director.holder_id) == [] and len(notices_of(centre.db, leader.holder_id)) == 2


def test_a_leader_kept_away_from_the_client_hears_of_no_late_report(centre: Centre) -> None:
    """Named in a first report, so barred; a second one is late: the director hears, the leader does not."""
    _case, first = harmed(centre)
    lan, leader = centre.school["lan"], centre.school["leader"]
    name = leader.name
    make(centre.db, actor=lan, row=first, content=reported(centre, suspects=[suspect(centre, "leader", name)]))
    second = begin(centre.db, actor=lan, client_id=first.client_id, case=_case)
    assert second is not None
    before = len(notices_of(centre.db, centre.school["director"].holder_id))
    with time_machine.travel(second.due_at + timedelta(hours=2), tick=True):
        escalate(centre.db)
    assert notices_of(centre.db, leader.holder_id) == []
    assert len(notices_of(centre.db, centre.school["director"].holder_id)) > before


def test_an_event_that_nobody_acknowledges_escalates(centre: Centre) -> None:
    """After the time set the director hears of it; the names of events and signs are all told in words."""
    row, _reached = raise_event(centre.db, actor=centre.school["manager"], content=event(centre, no_name=True))
    task = centre.db.query(Task).filter_by(object_id=row.report_id, kind="inform").one()
    with time_machine.travel(task.escalates_at + timedelta(minutes=1), tick=True):
        escalate(centre.db)
    kinds = {one.kind for one in notices_of(centre.db, centre.school["director"].holder_id)}
    assert kinds == {"event", "task_overdue"}
    assert len(set(EVENTS)) == 9 and len(set(SIGNS)) == 9


def test_an_intake_with_harm_goes_on_until_the_stop(centre: Centre) -> None:
    """The clock of two hours does not hold the conversation up: only the hard stop and an end do."""
    open_the_centre(centre)
    from counsel.pathway.intake.consent import record_consent
    from counsel.pathway.intake.services import sign_intake
    from tests.story import INTAKE_CONTENT, consent_content, received

    case, lan = received(centre), centre.school["lan"]
    morning = at_local(today("Asia/Shanghai") + timedelta(days=1), 9 * 60, "Asia/Shanghai")
    with time_machine.travel(morning, tick=True):
        record_consent(centre.db, actor=lan, case=case, content=consent_content())
        record_screen(centre.db, actor=lan, case=case, answers=HARMED, ticks=SAFE_TICK, keeping="奶奶")
        sign_intake(centre.db, actor=lan, case=case, content=INTAKE_CONTENT, seen_version=0)
    with time_machine.travel(morning + timedelta(hours=3), tick=True):
        decide_intake(centre.db, actor=lan, case=case, to="assessment")
    assert case.state == "assessment" and to_teacher(centre)["kind"] == "class_teacher"
