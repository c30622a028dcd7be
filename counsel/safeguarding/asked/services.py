"""Note that somebody asked, and count it. About whom is not asked for and stands nowhere: the answer does not depend on it."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.audit.models import AuditLine
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import InvalidError
from counsel.pathway.cases.opening import next_number
from counsel.safeguarding.asked.models import REFUSED, LoanRefusal

WHO = ("class_teacher", "guardian", "leader", "authority", "press", "student", "other")
WHAT = ("is_client", "file", "certificate", "result", "observation")
TAG, CLAUSE = "desk:enquiry:answered", "篇4 三"
DAYS = 366


def answer_enquiry(db: Session, *, actor: SignedIn, who: str, what: str) -> None:
    """Note that somebody asked and had the neutral answer; a file that nobody ever lends to them is refused on the register.

    :raises InvalidError: no such kind of asker, or of question.

    Records: ``desk:enquiry:answered`` with both codes. Rule: 篇4 三; 篇8 二; R8-03, R8-09.
    """
    require(db, actor, Permission.ENQUIRY_ANSWER)
    problems = {name: "unknown" for name, value, known in (("who", who, WHO), ("what", what, WHAT)) if value not in known}
    if problems:
        raise InvalidError(**problems)
    with recording(db) as record:
        record.line(TAG, role=actor.role, actor_id=actor.staff_id, detail=f"{who} {what}")
        if what == "file" and who in REFUSED:
            day = today(house_of(db).settings.time_zone)
            number = next_number(db, "loan refusal")
            db.add(LoanRefusal(number=number, on_day=day, who=who, clause=CLAUSE, staff_id=actor.staff_id))


def enquiries_of_the_year(db: Session, *, actor: SignedIn) -> Mapping[str, int]:
    """Return how often each kind of asker asked within a year."""
    require(db, actor, Permission.ENQUIRY_ANSWER)
    since = today(house_of(db).settings.time_zone) - timedelta(days=DAYS)
    lines = select(AuditLine.detail, func.count()).where(AuditLine.tag == TAG, AuditLine.day >= since)
    counted: dict[str, int] = dict.fromkeys(WHO, 0)
    for detail, count in db.execute(lines.group_by(AuditLine.detail)):
        who = detail.split()[0]
        counted[who] = counted.get(who, 0) + count
    return counted
