"""What a client agrees to, in four ways, and every way in which a yes must not count; assessment, plan, homework."""

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from counsel.core.clock import now, today
from counsel.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError, TransitionError, UnreadableError
from counsel.home.overdue import overdue_in
from counsel.keys.boxes import open_box
from counsel.pathway.assessment.criteria import suggestion
from counsel.pathway.assessment.services import (
    approve_instrument,
    finish_assessment,
    instruments,
    read_results,
    record_result,
    write_assessment,
)
from counsel.pathway.cases.agreement import agree_oneself, agreed_to, record_agreement
from counsel.pathway.cases.covers import Cover
from counsel.pathway.cases.dossier import CONSENT, PLAN, append_to_form
from counsel.pathway.cases.models import Agreement, Case
from counsel.pathway.intake.consent import consent_given, guardian_settled, record_consent
from counsel.pathway.intake.levels import record_screen, record_short_screen
from counsel.pathway.intake.services import decide_intake, sign_intake
from counsel.pathway.plans.services import POINTS, finish_plan, own_goals, plan_anew, write_own_goals, write_plan
from counsel.pathway.sessions.homework import answer_homework, give_homework, homework_of
from counsel.pathway.sessions.models import ProcessBox
from counsel.pathway.sessions.process import read_process_note, write_process_note
from counsel.pathway.sessions.services import begin_session, write_note
from counsel.records.models import Item
from counsel.records.services import item_of
from tests.conftest import Centre
from tests.story import (
    ALL_NO,
    ASSESSED,
    INTAKE_CONTENT,
    PLAN_CONTENT,
    agree_plan,
    consent_content,
    in_counselling,
    open_the_centre,
    received,
)

ZONE = "Asia/Shanghai"


def consented(centre: Centre, way: str) -> tuple[Case, Item]:
    """A consent written down whose yes is still to come."""
    open_the_centre(centre)
    case = received(centre)
    record_consent(centre.db, actor=centre.school["lan"], case=case, content=consent_content(way=way))
    item = item_of(centre.db, case.shared_box_id, CONSENT.code)
    assert item is not None
    return case, item


def to_assessment(centre: Centre) -> Case:
    """A case that has just come to assessment."""
    open_the_centre(centre)
    case = received(centre)
    lan = centre.school["lan"]
    record_consent(centre.db, actor=lan, case=case, content=consent_content())
    record_screen(centre.db, actor=lan, case=case, answers=ALL_NO, ticks=frozenset(), keeping="")
    sign_intake(centre.db, actor=lan, case=case, content=INTAKE_CONTENT, seen_version=0)
    decide_intake(centre.db, actor=lan, case=case, to="assessment")
    return case


def assess(centre: Centre, case: Case, number: int = 1, **changes: Any) -> None:
    """Sign an assessment."""
    content = ASSESSED | changes
    write_assessment(centre.db, actor=centre.school["lan"], case=case, content=content, seen_version=0, sign=True, number=number)


@pytest.mark.parametrize("way", ["by_phone", "on_paper"])
def test_by_telephone_and_on_paper_the_yes_is_there_at_once(centre: Centre, way: str) -> None:
    """G2 in two of the four ways."""
    case, _item = consented(centre, way)
    assert consent_given(centre.db, actor=centre.school["lan"], case=case) is not None


def test_by_own_sign_in_only_the_clients_own_yes_counts(centre: Centre) -> None:
    """G2: the client's keys sign it; until then the case waits and says so."""
    case, item = consented(centre, "own_sign_in")
    lan, student = centre.school["lan"], centre.school["S2024001"]
    assert consent_given(centre.db, actor=lan, case=case) is None
    with pytest.raises(InvalidError):
        record_agreement(centre.db, actor=lan, case=case, item=item, way="own_sign_in", agreed=True)
    for stranger in ("S2024002", "lan", "director"):
        with pytest.raises(RefusedError):
            agree_oneself(centre.db, actor=centre.school[stranger], case=case, item=item, agreed=True)
    agree_oneself(centre.db, actor=student, case=case, item=item, agreed=False, words="想先问问妈妈")
    assert consent_given(centre.db, actor=lan, case=case) is None
    agree_oneself(centre.db, actor=student, case=case, item=item, agreed=True)
    assert consent_given(centre.db, actor=lan, case=case) is not None


def test_paper_needs_its_place_and_an_unsigned_form_gets_no_yes(centre: Centre) -> None:
    """Every input gets an answer: the place of the sheet, a form that is still a draft."""
    case, item = consented(centre, "in_room")
    lan = centre.school["lan"]
    with pytest.raises(InvalidError) as refused:
        record_agreement(centre.db, actor=lan, case=case, item=item, way="on_paper", agreed=True)
    assert refused.value.problems == {"sheet_place": "empty"}
    write_plan(centre.db, actor=lan, case=case, content=PLAN_CONTENT, seen_version=0, sign=False, number=1)
    draft = item_of(centre.db, case.shared_box_id, PLAN.code)
    assert draft is not None
    with pytest.raises(ConflictError, match="stale_form"):
        record_agreement(centre.db, actor=lan, case=case, item=draft, way="in_room", agreed=True)


def test_a_yes_written_into_the_table_proves_nothing(centre: Centre) -> None:
    """The row is a list entry; the yes is the sealed, signed item (security §6)."""
    case, item = consented(centre, "own_sign_in")
    forged = {"subject": "F02", "item_id": item.item_id, "revision": item.revision, "way": "own_sign_in", "agreed": True}
    centre.db.add(Agreement(case_id=case.case_id, number=9, on_day=today(ZONE), **forged))
    centre.db.commit()
    assert consent_given(centre.db, actor=centre.school["lan"], case=case) is None


def test_a_turned_row_and_another_forms_yes_prove_nothing(centre: Centre) -> None:
    """A no cannot become a yes, nor can one form's yes serve another."""
    case, item = consented(centre, "own_sign_in")
    row = agree_oneself(centre.db, actor=centre.school["S2024001"], case=case, item=item, agreed=False)
    row.agreed = True
    centre.db.commit()
    assert agreed_to(centre.db, actor=centre.school["lan"], case=case, item=item) is None


def test_counselling_begins_when_the_plan_is_agreed_point_by_point(centre: Centre) -> None:
    """T13, R10-08: one point open keeps it waiting; a second plan needs a second yes."""
    case = to_assessment(centre)
    lan = centre.school["lan"]
    assess(centre, case)
    finish_assessment(centre.db, actor=lan, case=case)
    write_plan(centre.db, actor=lan, case=case, content=PLAN_CONTENT, seen_version=0, sign=True, number=1)
    item = item_of(centre.db, case.shared_box_id, PLAN.code)
    assert item is not None
    student = centre.school["S2024001"]
    points = dict.fromkeys(POINTS, True)
    agree_oneself(centre.db, actor=student, case=case, item=item, agreed=True, points={**points, "times": False})
    with pytest.raises(TransitionError, match="G7"):
        finish_plan(centre.db, actor=lan, case=case)
    agree_oneself(centre.db, actor=student, case=case, item=item, agreed=True, points=points)
    finish_plan(centre.db, actor=lan, case=case)
    with pytest.raises(InvalidError):
        plan_anew(centre.db, actor=lan, case=case, to="planning", reason="because")
    plan_anew(centre.db, actor=lan, case=case, to="planning", reason="no_progress")
    write_plan(centre.db, actor=lan, case=case, content=PLAN_CONTENT, seen_version=0, sign=True, number=2)
    with pytest.raises(TransitionError, match="G7"):
        finish_plan(centre.db, actor=lan, case=case)
    assert case.state == "planning"


def test_a_plan_without_a_thought_about_support_is_not_signed(centre: Centre) -> None:
    """R9-06: whom, or why nobody."""
    open_the_centre(centre)
    case = received(centre)
    with pytest.raises(InvalidError) as refused:
        content = PLAN_CONTENT | {"support": " "}
        write_plan(centre.db, actor=centre.school["lan"], case=case, content=content, seen_version=0, sign=True, number=1)
    assert refused.value.problems == {"support": "empty"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"basis": []}, "basis"),
        ({"basis": ["interview", "gossip"]}, "basis"),
        ({"basis": ["test"]}, "basis"),
        ({"basis": ["close_person"], "close_person": "姑姑"}, "close_person_consent"),
        ({"basis": ["close_person"], "close_person_consent": "agreed"}, "close_person_consent"),
        ({"basis": ["other"]}, "basis_note"),
        ({"main_problem": "P77"}, "main_problem"),
        ({"main_problem": ""}, "main_problem"),
        ({"other_problems": ["P01", "P1"]}, "other_problems"),
        ({"severity": "LV2"}, "severity_reason"),
        ({"severity": "LV7"}, "severity"),
        ({"severity": "LV3", "severity_reason": "病程"}, "medical_advice"),
        ({"causes": "诊断为抑郁"}, "causes"),
        ({"causes": ""}, "causes"),
    ],
)
def test_an_assessment_is_refused_beside_the_field(sqlite_centre: Centre, changes: dict[str, Any], field: str) -> None:
    """R10-04…06: basis with its source and consent, one main concern, a reason when the class differs, never a diagnosis."""
    case = to_assessment(sqlite_centre)
    with pytest.raises(InvalidError) as refused:
        assess(sqlite_centre, case, **changes)
    assert field in refused.value.problems


def test_a_suspected_disorder_never_goes_on_to_a_plan(centre: Centre) -> None:
    """R7-10, G5: LV4 waits for the medical referral, whatever is written after it."""
    case = to_assessment(centre)
    lan = centre.school["lan"]
    broken = ASSESSED | {"insight": "broken"}
    assert suggestion(broken) == "LV4"
    with pytest.raises(TransitionError, match="G8"):
        finish_assessment(centre.db, actor=lan, case=case)
    assess(centre, case, insight="broken", severity="LV4")
    with pytest.raises(TransitionError, match="G5"):
        finish_assessment(centre.db, actor=lan, case=case)
    assess(centre, case, number=2, severity="LV3", severity_reason="复核", medical_advice="yes")
    with pytest.raises(TransitionError, match="G5"):
        finish_assessment(centre.db, actor=lan, case=case)


def test_a_likely_disorder_goes_on_with_the_advice_recorded(centre: Centre) -> None:
    """R7-10, G5: LV3 is no bar once the client was advised to see a doctor."""
    case = to_assessment(centre)
    assess(centre, case, severity="LV3", severity_reason="复核", medical_advice="yes")
    finish_assessment(centre.db, actor=centre.school["lan"], case=case)
    assert case.state == "planning"


def test_an_instruments_change_leaves_what_was_measured_before_as_it_was(centre: Centre) -> None:
    """R10-07, R9-02: version, range and raw answers stay with each result; only approved ones, whole answers, past days."""
    case = to_assessment(centre)
    lan, director = centre.school["lan"], centre.school["director"]
    place: dict[str, Any] = {"code": "SLP", "title": "睡眠自评", "items": 3, "lowest": 0, "highest": 3}
    with pytest.raises(RefusedError):
        approve_instrument(centre.db, actor=lan, version="1", **place)
    first = approve_instrument(centre.db, actor=director, version="1", **place)
    on: dict[str, Any] = {"actor": lan, "case": case, "on_date": today(ZONE)}
    record_result(centre.db, **on, instrument_id=first.instrument_id, answers="3 2 1", score="6")
    with time_machine.travel(now() + timedelta(days=1)):
        second = approve_instrument(centre.db, actor=director, version="2", **place | {"items": 2, "highest": 4})
    assert [row.version for row in instruments(centre.db)] == ["2"]
    record_result(centre.db, **on, instrument_id=second.instrument_id, answers="4，4", score="8")
    before, after = read_results(centre.db, actor=lan, case=case)
    assert (before["version"], before["range"], before["answers"]) == ("1", [0, 3], [3, 2, 1])
    assert (after["version"], after["range"], after["answers"], after["score"]) == ("2", [0, 4], [4, 4], 8)
    for answers, score in (("4", "4"), ("4 5", "9"), ("4 x", "4"), ("1 1", "many"), ("", "0")):
        with pytest.raises(InvalidError):
            record_result(centre.db, **on, instrument_id=second.instrument_id, answers=answers, score=score)
    with pytest.raises(InvalidError):
        later = on | {"on_date": today(ZONE) + timedelta(days=2)}
        record_result(centre.db, **later, instrument_id=second.instrument_id, answers="1 1", score="2")
    with pytest.raises(NotFoundError):
        record_result(centre.db, **on, instrument_id=case.case_id, answers="1 1", score="2")
    assess(centre, case, basis=["interview", "test"])


def test_goals_are_the_clients_own_words_and_earlier_ones_stay(centre: Centre) -> None:
    """R9-04, R9-12: only the client writes them, the counsellor reads the newest."""
    open_the_centre(centre)
    case = in_counselling(centre)
    student, lan = centre.school["S2024001"], centre.school["lan"]
    for words in ("想睡好", "想睡好，也想敢举手"):
        write_own_goals(centre.db, actor=student, case=case, text=words)
    found = own_goals(centre.db, actor=lan, case=case)
    assert found is not None and found[1] == "想睡好，也想敢举手" and found[0].number == 2
    for who in ("lan", "S2024002", "director"):
        with pytest.raises(RefusedError):
            write_own_goals(centre.db, actor=centre.school[who], case=case, text="别人的话")
    with pytest.raises(InvalidError):
        write_own_goals(centre.db, actor=student, case=case, text="  ")


def test_homework_can_be_done_or_declined_once(centre: Centre) -> None:
    """篇9 二3: no is a good answer, and it is the client's; two answers do not overwrite each other."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan, student = centre.school["lan"], centre.school["S2024001"]
    for task in ("睡眠日记", "和同桌说一句话"):
        give_homework(centre.db, actor=lan, case=case, session_no=0, task=task, due_on=today(ZONE) + timedelta(days=7))
    with pytest.raises(RefusedError):
        answer_homework(centre.db, actor=centre.school["S2024002"], case=case, number=1, state="done")
    answer_homework(centre.db, actor=student, case=case, number=1, state="done", result="写了五天")
    answer_homework(centre.db, actor=student, case=case, number=2, state="declined")
    with pytest.raises(ConflictError):
        answer_homework(centre.db, actor=lan, case=case, number=1, state="not_done")
    with pytest.raises(InvalidError):
        give_homework(centre.db, actor=lan, case=case, session_no=0, task=" ", due_on=None)
    second, first = homework_of(centre.db, actor=lan, case=case)
    assert (first.row.state, first.result, second.row.state) == ("done", "写了五天", "declined")


def test_process_notes_open_for_their_author_alone(centre: Centre) -> None:
    """篇4 二: apart from the file; neither rules nor keys let anybody else in, the client included."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan = centre.school["lan"]
    version = write_process_note(centre.db, actor=lan, case=case, text="我自己有些着急", seen_version=0)
    with pytest.raises(ConflictError):
        write_process_note(centre.db, actor=lan, case=case, text="另一个窗口", seen_version=0)
    assert read_process_note(centre.db, actor=lan, case=case) == ("我自己有些着急", version)
    box_id = centre.db.scalars(select(ProcessBox)).one().box_id
    for who in ("qiu", "director", "S2024001", "archive", "supervisor", "admin"):
        with pytest.raises(RefusedError):
            read_process_note(centre.db, actor=centre.school[who], case=case)
        if centre.school[who].keyring is not None:
            with pytest.raises(UnreadableError):
                open_box(centre.db, centre.school[who].keyring, box_id)  # type: ignore[arg-type]


def test_sessions_have_their_forms_and_stay_inside_the_set_hours(centre: Centre) -> None:
    """R7-03, R8-12: talks inside the hours unless it is a crisis, letters at any time; the note before is signed first."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan = centre.school["lan"]
    evening = now().replace(hour=15, minute=0) + timedelta(days=1)  # 23:00 in Shanghai
    with time_machine.travel(evening, tick=True):
        record_short_screen(centre.db, actor=lan, case=case, answers=dict.fromkeys(("q1", "q2", "q7", "new"), "no"))
        with pytest.raises(TransitionError, match="HOURS"):
            begin_session(centre.db, actor=lan, case=case, mode="phone", minutes=30)
        with pytest.raises(InvalidError):
            begin_session(centre.db, actor=lan, case=case, mode="hypnosis", minutes=30)
        letter = begin_session(centre.db, actor=lan, case=case, mode="letter", minutes=30)
        with pytest.raises(TransitionError, match="G9"):
            begin_session(centre.db, actor=lan, case=case, mode="letter", minutes=30)
        birp = {"format": "birp", "behaviour": "低头", "intervention": "等", "response": "抬头", "plan": "下周"}
        birp["next_on"] = "未约"
        with pytest.raises(InvalidError):
            content = birp | {"response": ""}
            write_note(centre.db, actor=lan, case=case, number=1, content=content, seen_version=0, sign=True)
        write_note(centre.db, actor=lan, case=case, number=1, content=birp, seen_version=0, sign=True)
        crisis = begin_session(centre.db, actor=lan, case=case, mode="phone", minutes=30, crisis=True)
    assert (letter.crisis, crisis.crisis, crisis.number) == (False, True, 2)


def test_one_answer_that_is_no_plain_no_opens_the_whole_list(centre: Centre) -> None:
    """domain §3.1: the short questions pass only when all are a no; nothing is filled in for anybody."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan = centre.school["lan"]
    short = dict.fromkeys(("q1", "q2", "q7", "new"), "no")
    for code, answer, problem in (("q2", "yes", "ask_all"), ("q7", "refused", "ask_all"), ("new", "", "unanswered")):
        with pytest.raises(InvalidError) as refused:
            record_short_screen(centre.db, actor=lan, case=case, answers={**short, code: answer})
        assert refused.value.problems == {"answers": problem}


@pytest.mark.parametrize(
    ("on", "part", "complete"),
    [
        (date(2027, 5, 4), "informed", False),  # 13 years 364 days: the guardian signs
        (date(2027, 5, 4), "signed", True),
        (date(2027, 5, 5), "informed", True),  # 14: told is enough
        (date(2031, 5, 4), "not_needed", False),
        (date(2031, 5, 5), "not_needed", True),  # 18: nobody else is asked
    ],
)
def test_a_birthday_during_the_case_changes_whose_yes_is_needed(
    sqlite_centre: Centre, on: date, part: str, complete: bool
) -> None:
    """PIPL 31, 篇8 二: the day itself counts, in local time."""
    open_the_centre(sqlite_centre)
    case = received(sqlite_centre, "S2024003")
    with time_machine.travel(f"{on}T04:00:00+00:00", tick=True):
        content = consent_content(guardian=part)
        lan = sqlite_centre.school["lan"]
        consent = record_consent(sqlite_centre.db, actor=lan, case=case, content=content)
        assert guardian_settled(sqlite_centre.db, actor=lan, case=case, consent=consent) is complete


def test_an_agreed_plan_stays_agreed_when_something_is_added(centre: Centre) -> None:
    """An addendum makes a further text: the yes to the old text no longer covers it."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan = centre.school["lan"]
    plan_anew(centre.db, actor=lan, case=case, to="planning", reason="client_wish")
    agree_plan(centre, case, number=2)
    item = item_of(centre.db, case.shared_box_id, PLAN.code, 2)

    append_to_form(centre.db, actor=lan, case=case, kind=PLAN, number=2, text="再加一条")
    assert item is not None and agreed_to(centre.db, actor=lan, case=case, item=item) is None
    with pytest.raises(TransitionError, match="G7"):
        finish_plan(centre.db, actor=lan, case=case)


def test_what_is_overdue_is_known_without_opening_anything(centre: Centre) -> None:
    """The caseload's filter: a note, homework, feedback, the end of a pause, each on its day and not before."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan, day = centre.school["lan"], today(ZONE)
    begin_session(centre.db, actor=lan, case=case, mode="letter", minutes=30)
    give_homework(centre.db, actor=lan, case=case, session_no=1, task="睡眠日记", due_on=day)
    place: dict[str, Any] = {"holder_id": lan.holder_id, "cases": [(case, Cover("S"))]}
    assert overdue_in(centre.db, **place, day=day) == {}
    with time_machine.travel(now() + timedelta(days=6), tick=True):
        assert overdue_in(centre.db, **place, day=today(ZONE)) == {case.case_id: ["note", "homework"]}
        at_one = {**place, "cases": [(case, Cover("S", level=1))]}
        assert overdue_in(centre.db, **at_one, day=today(ZONE)) == {case.case_id: ["note", "homework"]}
        assert overdue_in(centre.db, holder_id=centre.school["qiu"].holder_id, cases=[], day=today(ZONE)) == {}
    with time_machine.travel(now() + timedelta(days=9), tick=True):
        assert overdue_in(centre.db, **at_one, day=today(ZONE)) == {case.case_id: ["note", "homework", "contact"]}
