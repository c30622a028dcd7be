"""What left the room in the demonstration: a disclosure that waits to be read, a report the law demands, a major event."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.core.clock import as_of, local, now
from counsel.core.database import house_of
from counsel.home.demo_story import Demo
from counsel.pathway.cases.models import Case
from counsel.safeguarding.disclosure.approving import Verdict
from counsel.safeguarding.disclosure.approving import answer as say_yes
from counsel.safeguarding.disclosure.sending import send
from counsel.safeguarding.disclosure.services import save, start, submit
from counsel.safeguarding.reports.events import acknowledge, raise_event
from counsel.safeguarding.reports.mandatory import begin, make

IN_DANGER, HARMED = 23, 4
NEED = "老师每天见得到"
SEEN = {
    "signs": ["violence"],
    "seen": "小臂有成条的淤青，本人说是家里人喝酒后打的，前天晚上。",
    "safe_now": "今晚住姨妈家，姨妈来接；不和家里人单独见面。",
    "suspects": [],
    "child_knows": "told",
    "why_later": "",
}
EVENT = {
    "kind": "outside",
    "place": "东校门",
    "what": "约十名家长因网上传言到校门口询问，没有冲突，没有人受伤。",
    "measures": "门卫请到接待室，值班主管在场；心理中心不对外说明。",
    "needs": "请指定一位统一答复的人，十七点前。",
    "why_late": "",
}


def tell(db: Session, demo: Demo, step: Callable[[], None]) -> None:
    """Tell a teacher what to do, report the harm of a minor, tell leadership of a crowd at the gate."""
    with as_of(now() - timedelta(hours=20)):
        _tell_the_teacher(db, demo)
        _report_harm(db, demo)
    step()
    with as_of(now() - timedelta(hours=5)):
        row, _reached = raise_event(
            db, actor=demo["manager"], content={**EVENT, **_moment(db, now() - timedelta(minutes=10)), "no_name": True}
        )
    with as_of(now() - timedelta(hours=4, minutes=40)):
        acknowledge(db, actor=demo["leader"], row=row)
    step()


def _tell_the_teacher(db: Session, demo: Demo) -> None:
    case = _case(db, IN_DANGER)
    me, teacher = demo["chen"], demo["teacher"]
    assert teacher.holder_id is not None
    advice = "课间留意，有人陪着；有事打值班电话8012，先别和全班说。"
    parts = {part: {"need": NEED, "text": text} for part, text in (("identity", ""), ("advice", advice))}
    to = {"kind": "class_teacher", "holder": teacher.holder_id.hex, "name": teacher.name, "phone": "", "way": "page"}
    recipients = [{**to, "hours": 72, "print": False, "parts": parts}]
    row = start(db, actor=me, client_id=case.client_id, case=case)
    basis = {"code": "EX1", "purpose": "在校时有人留意", "informed": "told", "recipients": recipients}
    save(db, actor=me, row=row, content=basis, seen_version=1)
    submit(db, actor=me, row=row)
    if row.state == "submitted":
        say_yes(db, actor=demo["gu"], row=row, verdict=Verdict(True))
    send(db, actor=me, row=row)


def _report_harm(db: Session, demo: Demo) -> None:
    case = _case(db, HARMED)
    row = begin(db, actor=demo["zhou"], client_id=case.client_id, case=case)
    assert row is not None
    call = {**_moment(db, now() - timedelta(minutes=20)), "taken": "接警员0117", "reply": "派出所下午到校"}
    make(db, actor=demo["zhou"], row=row, content={**SEEN, "calls": {"police": call}})


def _moment(db: Session, at: datetime) -> dict[str, Any]:
    here = local(at, house_of(db).settings.time_zone)
    return {"day": here.date().isoformat(), "clock": f"{here:%H:%M}"}


def _case(db: Session, number: int) -> Case:
    return db.scalars(select(Case).where(Case.case_no == number)).one()
