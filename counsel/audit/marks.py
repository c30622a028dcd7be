"""The latest moment this house has seen: whoever sets the clock back extends nothing by it (security A35)."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from counsel.audit.models import ClockMark
from counsel.core.clock import now
from counsel.core.database import writing

TOLERATED = timedelta(minutes=5)  # two machines never agree to the second


def note_time(db: Session) -> None:
    """Keep the present moment, if it is the latest so far; by the jobs, and whenever something is opened until a day."""
    with writing(db):
        mark = db.get(ClockMark, 1, populate_existing=True)
        if mark is None:
            db.add(ClockMark(mark_id=1, at=now()))
        elif now() > mark.at:
            mark.at = now()


def not_before(db: Session) -> datetime:
    """Return the present moment, or the latest that was kept, when the clock shows an earlier one."""
    mark = db.get(ClockMark, 1)
    return max(now(), mark.at) if mark is not None else now()


def runs_behind(db: Session) -> bool:
    """Return whether the clock has been set back."""
    return not_before(db) - now() > TOLERATED
