"""A client of the demonstration who is in danger: asked, recorded, planned, watched over."""

from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.home.demo_story import ALL_NO
from counsel.pathway.cases.models import Case
from counsel.pathway.intake.informing import record_told, still_owed
from counsel.pathway.intake.levels import record_screen
from counsel.pathway.safety.services import write_crisis, write_safety_plan, write_supervision

RECORD = {
    "found": "今天谈话中自己说的",
    "risk_factors": "考试前后睡不好",
    "protective": "妹妹；信任姨妈",
    "why": "想过办法，没有打算去做",
    "measures": "药由姨妈收起来；约好每天联系",
    "notified": "还没有通知别人，已和本人商量",
    "who_stays": "姨妈，今晚",
    "next_review": "下次谈话",
    "duty_needs": "如果来电：先问现在和谁在一起，再打给姨妈",
    "reach": "姨妈的电话在预约单上",
}
PLAN = {
    "signs": "夜里醒着、不想回消息",
    "own_steps": "写下来；出去走一圈",
    "people": "操场；妹妹",
    "helpers": "姨妈",
    "professionals": "12356；值班电话",
    "means": "药由姨妈收着",
    "reasons": "答应了妹妹一起过生日",
}


ASKED = {
    "with_whom": "柳青",
    "question": "怎样和本人商量，让班主任在校时留意",
    "agreed": "先问本人意见，只告诉要做的事",
    "risk_points": "周末和考试前",
    "next_step": "两周后",
}


def in_danger(db: Session, demo: object, me: SignedIn, case: Case) -> None:
    """Bring a case to level 2 with its record, plan and card."""
    answers = {**ALL_NO, "q2": "yes", "q3": "yes"}
    record_screen(db, actor=me, case=case, answers=answers, ticks=frozenset(), keeping="答应了妹妹一起过生日")
    if "guardian" in still_owed(db, actor=me, case=case):
        record_told(db, actor=me, case=case, whom="guardian", outcome="told", words="当晚电话，只说需要家里有人陪")
    write_safety_plan(db, actor=me, case=case, content=PLAN, seen_version=0, sign=True, number=1)
    write_crisis(db, actor=me, case=case, content=RECORD, seen_version=0, sign=True, number=1)
    asked = {**ASKED, "on_date": today(house_of(db).settings.time_zone).isoformat()}
    write_supervision(db, actor=me, case=case, content=asked, seen_version=0, sign=True, number=1)
