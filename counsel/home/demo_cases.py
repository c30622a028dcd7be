"""The demonstration's further cases, one in every state and of every common end: each brought there by the real services.

Their clients have no accounts: they came to the desk, and agreed in the room or on paper.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.core.clock import as_of, at_local, now, today
from counsel.core.database import house_of
from counsel.home.demo_danger import in_danger
from counsel.home.demo_elsewhere import back, handed_over, one_talk, out_of_scope, to_doctor, wants_another
from counsel.home.demo_story import COUNSELLORS, PLAN_WORDS, Demo, free_time, walk
from counsel.pathway.appointments.reception import check_in, note_absence, register_walk_in
from counsel.pathway.cases.countersign import give_second_signature
from counsel.pathway.cases.models import Case
from counsel.pathway.closing.evaluation import MARKS, rate, waive_evaluation, write_evaluation
from counsel.pathway.closing.services import (
    agree_follow_ups,
    begin_follow_up,
    close_case,
    close_for_leaving,
    end_counselling,
    send_last_letter,
    void_case,
    write_report,
)
from counsel.pathway.followup.services import finish, write_follow_up
from counsel.pathway.intake.levels import record_screen
from counsel.pathway.intake.paper import Takeover, ask_takeover, open_from_paper
from counsel.pathway.intake.services import receive_client
from counsel.pathway.plans.services import write_plan
from counsel.pathway.referral.services import (
    hold,
    record_try,
)
from counsel.pathway.sessions.homework import answer_homework, give_homework

FIRST, DAYS_AGO = 31, 75
ALL_NO = dict.fromkeys(("q1", "q2", "q6a", "q7", "q8a", "q8b", "q9", "q10", "q11", "q12"), "no")
REPORT = {"summary": "谈话后睡眠有好转，自己会做记录。", "goals_reached": "考前能睡够6小时", "advice": "考前两周继续记录"}
Way = Callable[[Session, Demo, SignedIn, Case], None]


def _on_hold(db: Session, demo: Demo, me: SignedIn, case: Case) -> None:
    day = today(house_of(db).settings.time_zone) + timedelta(days=60)
    hold(db, actor=me, case=case, resume_on=day, reason="leave_of_absence")


def _lost(db: Session, demo: Demo, me: SignedIn, case: Case) -> None:
    _on_hold(db, demo, me, case)
    start = now()
    for days, by in ((2, "phone"), (9, "in_page"), (17, "letter")):
        with as_of(start + timedelta(days=days)):
            record_try(db, actor=me, case=case, way=by)
    with as_of(start + timedelta(days=18)):
        _report(db, me, case, waiver="lost_contact")
        close_case(db, actor=me, case=case, reason="lost_contact")


def _report(db: Session, me: SignedIn, case: Case, waiver: str = "") -> None:
    write_report(db, actor=me, case=case, content=REPORT, seen_version=0, sign=True)
    if waiver:
        waive_evaluation(db, actor=me, case=case, reason=waiver)
        return
    marks = dict.fromkeys(MARKS, 4)
    rate(db, actor=me, case=case, marks=marks, words="现在会自己记了", way="by_phone")
    content = {"conclusion": "目标达到", "counsellor_mark": "4"}
    write_evaluation(db, actor=me, case=case, content=content, seen_version=0, sign=True)


def _ending(db: Session, demo: Demo, me: SignedIn, case: Case) -> None:
    end_counselling(db, actor=me, case=case)


def _withdrawn(db: Session, demo: Demo, me: SignedIn, case: Case) -> None:
    end_counselling(db, actor=me, case=case, asked_by="client")
    _report(db, me, case, waiver="withdrawn")
    close_case(db, actor=me, case=case, reason="withdrawn")


def _followed(db: Session, demo: Demo, me: SignedIn, case: Case) -> None:
    _ending(db, demo, me, case)
    _report(db, me, case)
    day = today(house_of(db).settings.time_zone)
    days = [day + timedelta(days=30), day + timedelta(days=60)]
    agree_follow_ups(db, actor=me, case=case, days=days, consent=True, contact="站内信", when="午休")
    begin_follow_up(db, actor=me, case=case)


def _completed(db: Session, demo: Demo, me: SignedIn, case: Case) -> None:
    _followed(db, demo, me, case)
    start = now()
    for number, days in ((1, 30), (2, 60)):
        with as_of(start + timedelta(days=days)):
            content = {"reached": "yes", "channel": "站内信", "state": "睡得好，考试正常", "risk": "没有"}
            write_follow_up(db, actor=me, case=case, content=content, seen_version=0, sign=True, number=number)
    with as_of(start + timedelta(days=61)):
        finish(db, actor=me, case=case)


def _no_agreement(db: Session, demo: Demo, me: SignedIn, case: Case) -> None:
    content = {**PLAN_WORDS, "disagreement": "对目标的看法不同", "alternatives": "团体辅导；以后随时可以再来"}
    write_plan(db, actor=me, case=case, content=content, seen_version=0, sign=True, number=1)
    close_case(db, actor=me, case=case, reason="no_agreement")


def _void(db: Session, demo: Demo, me: SignedIn, case: Case) -> None:
    void_case(db, actor=demo["gu"], case=case, reason="opened_twice")


def _left(db: Session, demo: Demo, me: SignedIn, case: Case) -> None:
    _report(db, me, case, waiver="left_school")
    close_for_leaving(db, actor=demo["gu"], case=case, close_reason="left_school", reason="graduated")


def _lapsed(db: Session, demo: Demo, me: SignedIn, case: Case) -> None:
    who = next(login for login in COUNSELLORS if demo[login].holder_id == me.holder_id)
    for _time in range(3):
        key = free_time(db, demo, who, 1, 9).key
        row = register_walk_in(db, actor=demo["desk"], student_no=_number(case.case_no), name="", slot_key=key)
        with as_of(row.starts_at + timedelta(minutes=40)):
            note_absence(db, actor=demo["desk"], appointment_id=row.appointment_id)
    with as_of(now() + timedelta(days=2)):
        send_last_letter(db, actor=me, case=case)
        _report(db, me, case, waiver="no_show_lapsed")
        close_case(db, actor=me, case=case, reason="no_show_lapsed")


def _at_work(db: Session, me: SignedIn, case: Case) -> None:
    due = today(house_of(db).settings.time_zone) + timedelta(days=7)
    for task in ("每晚记下睡觉和醒来的时间", "和同桌说一句话"):
        give_homework(db, actor=me, case=case, session_no=1, task=task, due_on=due)
    answer_homework(db, actor=me, case=case, number=1, state="done", result="记了五天")


WAYS: tuple[tuple[str, Way | None], ...] = (
    ("signed", to_doctor),
    ("signed", back),
    ("signed", _on_hold),
    ("signed", wants_another),
    ("signed", handed_over),
    ("signed", _ending),
    ("signed", _followed),
    ("signed", _completed),
    ("signed", _withdrawn),
    ("asked", one_talk),
    ("asked", out_of_scope),
    ("planning", _no_agreement),
    ("signed", _lost),
    ("nothing", _void),
    ("signed", _left),
    ("signed", _lapsed),
    ("signed", in_danger),
)


def _number(case_no: int) -> str:
    return f"W{20260000 + FIRST + case_no - 7}"


def walk_further_cases(db: Session, demo: Demo, step: Callable[[], None]) -> None:
    """Bring further clients to their places, in the months before today; one comes again, one comes over from paper."""
    for index, (stage, way) in enumerate(WAYS):
        who = COUNSELLORS[index % 3]
        with as_of(now() - timedelta(days=DAYS_AGO - index)):
            case = _received(db, demo, who, f"W{20260000 + FIRST + index}", index)
        with as_of(_evening(db, case, index)):
            if stage not in ("asked", "nothing"):
                walk(db, demo[who], case, stage, index % 6)
            elif stage == "asked":
                record_screen(db, actor=demo[who], case=case, answers=ALL_NO, ticks=frozenset(), keeping="朋友")
            if way is not None:
                way(db, demo, demo[who], case)
        step()
    _comes_again(db, demo)
    step()
    _from_paper(db, demo)
    step()
    case = db.scalars(select(Case).where(Case.case_no == 6)).one()
    _at_work(db, demo["lin"], case)


def _received(db: Session, demo: Demo, who: str, number: str, index: int) -> Case:
    slot = free_time(db, demo, who, 1, 9 + index % 6)
    row = register_walk_in(db, actor=demo["desk"], student_no=number, name="", slot_key=slot.key)
    with as_of(row.starts_at + timedelta(minutes=3)):
        check_in(db, actor=demo["desk"], appointment_id=row.appointment_id)
        return receive_client(db, actor=demo[who], appointment_id=row.appointment_id)


def _comes_again(db: Session, demo: Demo) -> None:
    """Whoever withdrew asks again months later: a new case, linked to the one before (T24)."""
    index = next(n for n, (_stage, way) in enumerate(WAYS) if way is _withdrawn)
    with as_of(now() - timedelta(days=4)):
        _received(db, demo, "chen", f"W{20260000 + FIRST + index}", 0)


def _evening(db: Session, case: Case, index: int) -> datetime:
    """Return the end of the afternoon of the first talk, within the set hours."""
    zone = house_of(db).settings.time_zone
    return at_local(today(zone) - timedelta(days=DAYS_AGO - index - 1), 17 * 60, zone)


def _from_paper(db: Session, demo: Demo) -> None:
    day = today(house_of(db).settings.time_zone)
    held = {code: (day - timedelta(days=60), 2) for code in ("F02", "F03", "F04", "F05")}
    wish = Takeover(
        "W20260055",
        "counselling",
        held | {"notes": (day - timedelta(days=8), 5)},
        "3号柜",
        True,
        "学期中改用系统",
        day - timedelta(days=60),
        5,
    )
    task = ask_takeover(db, actor=demo["zhou"], wish=wish)
    give_second_signature(db, actor=demo["gu"], task_id=task.task_id, agreed=True)
    open_from_paper(db, actor=demo["zhou"], task_id=task.task_id)
