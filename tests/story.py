"""The main story in steps, for tests that need somebody already on the way."""

from datetime import date, timedelta
from typing import Any

import time_machine

from counsel.confidentiality.limits import LIMITS
from counsel.core.clock import now
from counsel.pathway.appointments.models import Appointment
from counsel.pathway.appointments.reception import check_in, confirm_request
from counsel.pathway.appointments.requests import Wish, request_appointment
from counsel.pathway.assessment.services import finish_assessment, write_assessment
from counsel.pathway.cases.agreement import record_agreement
from counsel.pathway.cases.dossier import CRISIS, PLAN
from counsel.pathway.cases.models import Case
from counsel.pathway.intake.consent import POINTS, record_consent
from counsel.pathway.intake.levels import record_screen
from counsel.pathway.intake.services import decide_intake, receive_client, sign_intake
from counsel.pathway.plans.services import POINTS as POINTS_OF_PLAN
from counsel.pathway.plans.services import finish_plan, write_plan
from counsel.pathway.safety.services import newest_of, write_crisis
from counsel.records.services import item_of
from counsel.roster.queries import free_slots
from counsel.roster.services import add_room, publish_hours, set_duty
from tests.conftest import Centre

CALM = {"q1": "no", "q2": "no", "q7": "no", "urgent": "no"}
ALL_NO = dict.fromkeys(("q1", "q2", "q6a", "q7", "q8a", "q8b", "q9", "q10", "q11", "q12"), "no")
REASON = "考试前总睡不着，想找人说说"
INTAKE_CONTENT = {
    "presenting_complaint": "月考前睡不着",
    "course": "三周前开始",
    "past_help": "没有",
    "expectations": "想睡好",
    "in_scope": "yes",
    "within_competence": "yes",
    "no_conflict": "yes",
    "client_agrees": "yes",
    "disposition": "先谈几次，一起看睡眠",
}
ASSESSED = {
    "main_problem": "P01",
    "severity": "LV1",
    "basis": ["interview"],
    "causes": "考前压力",
    "duration": "under_2",
    "distress": "bad_mood",
    "function": "less",
    "generalisation": "none",
    "conflict_type": "realistic",
    "insight": "kept",
    "medical_advice": "no",
}
PLAN_CONTENT = {
    "problem_order": "先睡眠",
    "goals": "考前睡够6小时",
    "method": "认知行为",
    "number": "6",
    "frequency": "每周一次",
    "place": "咨询室1，周二下午",
    "duties": "来访者记录，咨询师准备",
    "progress": "每次问一次睡眠",
    "support": "暂不找老师，本人不愿",
}
NOTE_CONTENT = {
    "format": "dap",
    "data": "这周睡得早些",
    "assessment": "灾难化想法有松动",
    "plan": "继续睡眠记录",
    "next_on": "下周同一时间",
}

FOUND = {"found": "今天谈话中", "protective": "妹妹", "why": "有方法的想法", "measures": "药已交给姨妈"}
NEXT = {"who_stays": "姨妈，到明天", "next_review": "后天", "duty_needs": "打给姨妈；先问药在哪", "reach": "姨妈 139"}
RECORD = {**FOUND, **NEXT, "risk_factors": "", "notified": "姨妈，今天", "unplanned": "明天当面一起写"}
ELSEWHERE = {
    "kind": "social",
    "target": "法律援助 12348",
    "phone": "12348",
    "reason": "问的是家里的官司",
    "information": "不带任何材料",
    "consent": "asked",
    "receipt": "client",
}


def open_the_centre(centre: Centre) -> None:
    """Publish two counsellors' hours on every day and put one of them on duty all week."""
    director = centre.school["director"]
    rooms = [add_room(centre.db, actor=director, name=f"咨询室{number}") for number in (1, 2)]
    for who, room in zip(("lan", "qiu"), rooms, strict=True):
        holder = centre.school[who].holder_id
        for weekday in range(7):
            hours = {"weekday": weekday, "start_minute": 540, "end_minute": 1080, "room_id": room}
            publish_hours(centre.db, actor=director, holder_id=holder, **hours)
    for weekday in range(7):
        for half in ("morning", "afternoon"):
            set_duty(centre.db, actor=director, weekday=weekday, half=half, holder_id=centre.school["qiu"].holder_id)


def slot_with(centre: Centre, who: str = "lan", day: date | None = None) -> Any:
    """Return the first free time with a counsellor from tomorrow on."""
    return free_slots(centre.db, day or (now() + timedelta(days=1)).date(), holder_id=centre.school[who].holder_id)[0]


def ask(centre: Centre, student: str = "S2024001", who: str = "lan", **wish: Any) -> Appointment:
    """A student asks for the first free time with a counsellor."""
    full: dict[str, Any] = {"answers": CALM, "reason": REASON, "notice_version": 1, **wish}
    chosen = Wish(slot=slot_with(centre, who).key, **full)
    return request_appointment(centre.db, actor=centre.school[student], wish=chosen)


def on_duty(centre: Centre, who: str = "qiu") -> Any:
    """Return a counsellor acting while on duty."""
    from dataclasses import replace

    return replace(centre.school[who], on_duty=True)


def received(centre: Centre, student: str = "S2024001", who: str = "lan") -> Case:
    """Ask, confirm, check in at the time, receive."""
    appointment = ask(centre, student, who)
    confirm_request(centre.db, actor=on_duty(centre), appointment_id=appointment.appointment_id)
    with time_machine.travel(appointment.starts_at + timedelta(minutes=5), tick=True):
        check_in(centre.db, actor=centre.school["desk"], appointment_id=appointment.appointment_id)
        return receive_client(centre.db, actor=centre.school[who], appointment_id=appointment.appointment_id)


def consent_content(**changes: Any) -> dict[str, Any]:
    """Return a complete consent as the form sends it."""
    points = [limit.code for limit in LIMITS] + list(POINTS)
    full = {"points": points, "way": "on_paper", "sheet_place": "柜1", "emergency_contact": "姨妈", "guardian": "informed"}
    if changes.get("guardian") == "signed":
        full |= {"guardian_note": "苏母", "guardian_way": "on_paper", "guardian_place": "柜2"}
    return full | changes


def agree_plan(centre: Centre, case: Case, who: str = "lan", number: int = 1) -> None:
    """Sign a plan and have the client say yes to every point, on paper."""
    actor = centre.school[who]
    write_plan(centre.db, actor=actor, case=case, content=PLAN_CONTENT, seen_version=0, sign=True, number=number)
    item = item_of(centre.db, case.shared_box_id, PLAN.code, number)
    assert item is not None
    points = dict.fromkeys(POINTS_OF_PLAN, True)
    record_agreement(centre.db, actor=actor, case=case, item=item, way="on_paper", agreed=True, sheet_place="柜1", points=points)


def in_counselling(centre: Centre, student: str = "S2024001", who: str = "lan") -> Case:
    """Take a case through consent, screen, intake, assessment and plan."""
    case = received(centre, student, who)
    actor = centre.school[who]
    record_consent(centre.db, actor=actor, case=case, content=consent_content())
    record_screen(centre.db, actor=actor, case=case, answers=ALL_NO, ticks=frozenset(), keeping="朋友")
    sign_intake(centre.db, actor=actor, case=case, content=INTAKE_CONTENT, seen_version=0)
    decide_intake(centre.db, actor=actor, case=case, to="assessment")
    write_assessment(centre.db, actor=actor, case=case, content=ASSESSED, seen_version=0, sign=True, number=1)
    finish_assessment(centre.db, actor=actor, case=case)
    agree_plan(centre, case, who)
    finish_plan(centre.db, actor=actor, case=case)
    return case


def record_crisis(centre: Centre, case: Case, who: str = "lan", **changes: Any) -> None:
    """Sign the crisis record that a level of 2 or above asks for."""
    newest, signed = newest_of(centre.db, case, CRISIS.code)
    place = {"content": {**RECORD, **changes}, "seen_version": 0, "sign": True, "number": newest + signed}
    write_crisis(centre.db, actor=centre.school[who], case=case, **place)
