"""The demonstration's clients and their way: six cases on the pathway, and a living week."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.limits import LIMITS
from counsel.confidentiality.roles import Role
from counsel.core.clock import as_of, at_local, now, today
from counsel.core.database import house_of
from counsel.pathway.appointments.concerns import raise_concern
from counsel.pathway.appointments.models import Appointment
from counsel.pathway.appointments.reception import check_in, confirm_request, register_walk_in
from counsel.pathway.appointments.requests import Wish, request_appointment
from counsel.pathway.assessment.services import finish_assessment, write_assessment
from counsel.pathway.cases.agreement import record_agreement
from counsel.pathway.cases.dossier import PLAN
from counsel.pathway.cases.models import Case
from counsel.pathway.intake.consent import POINTS, age_of, client_of, guardian_parts, record_consent
from counsel.pathway.intake.levels import record_screen
from counsel.pathway.intake.services import decide_intake, receive_client, sign_intake
from counsel.pathway.plans.services import POINTS as PLAN_POINTS
from counsel.pathway.plans.services import finish_plan, write_plan
from counsel.pathway.sessions.services import begin_session, write_note
from counsel.people.passphrases import DEMONSTRATION
from counsel.records.services import item_of
from counsel.roster.queries import Slot, free_slots, inside_hours

PASSPHRASE = DEMONSTRATION
COUNSELLORS = ("zhou", "chen", "lin")


CALM = {"q1": "no", "q2": "no", "q7": "no", "urgent": "no"}


ALL_NO = dict.fromkeys(("q1", "q2", "q6a", "q7", "q8a", "q8b", "q9", "q10", "q11", "q12"), "no")


REASONS = (
    "月考前总睡不着，心里发慌",
    "和宿舍的人闹僵了，不想回去",
    "爸妈总拿我和别人比",
    "不知道为什么，最近什么都提不起劲",
    "想聊聊以后学什么",
    "上课老走神，作业拖到半夜",
)


ASSESSED = {
    "severity": "LV1",
    "basis": ["interview"],
    "causes": "考试临近，睡眠不足",
    "duration": "under_2",
    "distress": "bad_mood",
    "function": "less",
    "generalisation": "none",
    "conflict_type": "realistic",
    "insight": "kept",
    "medical_advice": "no",
}


PLAN_WORDS = {
    "problem_order": "先睡眠，后学习",
    "goals": "考前能睡够6小时",
    "method": "认知行为",
    "number": "6",
    "frequency": "每周一次",
    "place": "咨询室1，每周二下午",
    "duties": "来访者做记录，咨询师一起看",
    "progress": "每次一起看睡眠记录",
    "support": "想过请班主任配合，本人暂时不愿意",
}


STAGES = ("intake", "assessment", "planning", "counselling", "counselling", "signed")


@dataclass
class Demo:
    """What the demonstration consists of; `people` lists every invented name and number."""

    accounts: list[dict[str, str]] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    signed_in: dict[str, SignedIn] = field(default_factory=dict)

    def note(self, role: str, username: str, name: str, student_no: str = "") -> None:
        """Remember who can sign in."""
        fields = {"role": role, "username": username, "passphrase": PASSPHRASE, "display_name": name}
        self.accounts.append({**fields, "student_no": student_no})

    def __getitem__(self, who: str) -> SignedIn:
        person = self.signed_in[who]
        ring = replace(person.keyring, groups={}) if person.keyring else None
        return replace(person, keyring=ring, on_duty=person.role in (Role.COUNSELLOR, Role.DIRECTOR))


def free_time(db: Session, demo: Demo, who: str, days_from_now: int, hour: int) -> Slot:
    """Return a counsellor's free time on a day near today, the first from `hour` on."""
    zone = house_of(db).settings.time_zone
    day = today(zone) + timedelta(days=days_from_now)
    slots = free_slots(db, day, holder_id=demo[who].holder_id)
    return next(slot for slot in slots if slot.starts_at >= at_local(day, hour * 60, zone))


def _ask(db: Session, demo: Demo, number: str, slot: Slot, reason: str, answers: dict[str, str]) -> Appointment:
    wish = Wish(slot=slot.key, answers=answers, reason=reason, notice_version=1)
    return request_appointment(db, actor=demo[number], wish=wish)


def walk_cases(db: Session, demo: Demo, numbers: list[str], step: Callable[[], None]) -> None:
    """Bring six clients to six places on the pathway, in the two weeks before today."""
    for index, (number, stage) in enumerate(zip(numbers, STAGES, strict=True)):
        who = COUNSELLORS[index % 3]
        with as_of(now() - timedelta(days=10 - index)):
            slot = free_time(db, demo, who, 1, 9 + index)
            asked = _ask(db, demo, number, slot, REASONS[index], CALM)
            confirm_request(db, actor=demo["chen"], appointment_id=asked.appointment_id)
        with as_of(slot.starts_at + timedelta(minutes=3)):
            check_in(db, actor=demo["desk"], appointment_id=asked.appointment_id)
            case = receive_client(db, actor=demo[who], appointment_id=asked.appointment_id)
            walk(db, demo[who], case, stage, index)
        step()


def explain(db: Session, actor: SignedIn, case: Case) -> None:
    """The consent is explained and signed on paper, by a guardian too where the age asks for it."""
    points = [limit.code for limit in LIMITS] + list(POINTS)
    age = age_of(db, client_of(db, actor=actor, case=case))
    part = guardian_parts(age, house_of(db).settings.guardian_policy)[0]
    consent = {"points": points, "way": "on_paper", "sheet_place": "1号柜", "emergency_contact": "姨妈", "guardian": part}
    consent |= {"guardian_note": "母亲", "guardian_way": "on_paper", "guardian_place": "1号柜"}
    record_consent(db, actor=actor, case=case, content=consent)


def walk(db: Session, actor: SignedIn, case: Case, stage: str, index: int) -> None:
    """Bring a received case to a stage: intake, assessment, planning, counselling (note unsigned) or signed."""
    answers = {**ALL_NO, "q1": "yes"} if index == 3 else ALL_NO
    record_screen(db, actor=actor, case=case, answers=answers, ticks=frozenset(), keeping="养的猫")
    if stage == "intake":
        return
    explain(db, actor, case)
    words = {"presenting_complaint": REASONS[index], "course": "大约一个月前开始", "past_help": "没有"}
    decided = {"in_scope": "yes", "within_competence": "yes", "no_conflict": "yes", "expectations": "想轻松一点"}
    decided["disposition"] = "先做评估"
    sign_intake(db, actor=actor, case=case, content=words | decided, seen_version=0)
    decide_intake(db, actor=actor, case=case, to="assessment")
    if stage == "assessment":
        return
    content = {**ASSESSED, "main_problem": f"P{index + 1:02}"}
    write_assessment(db, actor=actor, case=case, content=content, seen_version=0, sign=True, number=1)
    finish_assessment(db, actor=actor, case=case)
    if stage == "planning":
        return
    agree_on_plan(db, actor, case)
    finish_plan(db, actor=actor, case=case)
    assert actor.holder_id is not None
    begin_session(db, actor=actor, case=case, mode="in_person", minutes=50, crisis=not inside_hours(db, actor.holder_id))
    note = {
        "format": "dap",
        "data": "这周睡得早了些，说起月考时笑了一下。",
        "assessment": "灾难化的想法有松动。",
        "plan": "继续睡眠记录。",
        "next_on": "下周同一时间",
    }
    write_note(db, actor=actor, case=case, number=1, content=note, seen_version=0, sign=stage == "signed")


def agree_on_plan(db: Session, actor: SignedIn, case: Case) -> None:
    """Sign a plan and record the client's yes to each of its points, as said on paper."""
    write_plan(db, actor=actor, case=case, content=PLAN_WORDS, seen_version=0, sign=True, number=1)
    item = item_of(db, case.shared_box_id, PLAN.code)
    assert item is not None
    points = dict.fromkeys(PLAN_POINTS, True)
    place = {"way": "on_paper", "agreed": True, "sheet_place": "1号柜"}
    record_agreement(db, actor=actor, case=case, item=item, points=points, **place)  # type: ignore[arg-type]


def live_this_week(db: Session, demo: Demo, numbers: list[str]) -> None:
    """Let today and the days around it live: times for today and tomorrow, requests waiting, a concern."""
    zone = house_of(db).settings.time_zone
    with as_of(at_local(today(zone), 7 * 60, zone)):
        for n, who in enumerate(COUNSELLORS):
            asked = _ask(db, demo, numbers[n], free_time(db, demo, who, 0, 10 + 2 * n), REASONS[n], CALM)
            confirm_request(db, actor=demo["chen"], appointment_id=asked.appointment_id)
    register_walk_in(db, actor=demo["desk"], student_no="W20260030", name="", slot_key=free_time(db, demo, "lin", 1, 11).key)
    _ask(db, demo, numbers[3], free_time(db, demo, "zhou", 1, 14), REASONS[3], CALM)
    _ask(db, demo, numbers[4], free_time(db, demo, "chen", 2, 15), "", {**CALM, "urgent": "yes"})
    raise_concern(db, actor=demo["teacher"], about="班里一位同学", text="最近两周上课总趴着，午饭也不去吃。")
