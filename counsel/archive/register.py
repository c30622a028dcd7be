"""The lending register as lists: every line by its number, one's own, what waits for a yes, and what was refused (RC7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.archive.lending import loan_facts
from counsel.archive.models import Ticket, Volume
from counsel.confidentiality.decide import decide
from counsel.confidentiality.facts import NOTHING
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.keys.models import Grant
from counsel.safeguarding.asked.models import LoanRefusal
from counsel.tasks.models import Task

PAGE = 50


@dataclass(frozen=True)
class Line:
    """One line of the register in clear: the loan and the volume it is about."""

    ticket: Ticket
    volume: Volume


def register(db: Session, *, actor: SignedIn, before: int | None = None) -> list[Line]:
    """Return a page of the register, the newest number first; nothing is opened.

    :param before: the last number of the page before.
    """
    require(db, actor, Permission.VOLUME_LIST)
    query = select(Ticket, Volume).join(Volume, Volume.volume_id == Ticket.volume_id)
    if before is not None:
        query = query.where(Ticket.number < before)
    rows = db.execute(query.order_by(Ticket.number.desc(), Ticket.ticket_id).limit(PAGE + 1))
    return [Line(row[0], row[1]) for row in rows]


def my_loans(db: Session, *, actor: SignedIn) -> list[Line]:
    """Return what the actor asked for, said yes to or reads, on another ground than a client who came back; the newest first."""
    require(db, actor, Permission.LOAN_ASK)
    query = select(Ticket, Volume).join(Volume, Volume.volume_id == Ticket.volume_id).where(Ticket.basis != "returning")
    given = select(Grant.box_id).where(Grant.holder_id == actor.holder_id, Grant.purpose == "loan")
    answered = and_(Ticket.box_id.in_(given), Ticket.state != "asked")  # what still waits stands in `loans_to_decide`
    mine = or_(Ticket.asker_id == actor.holder_id, Ticket.reader_id == actor.holder_id, answered)
    return [Line(row[0], row[1]) for row in db.execute(query.where(mine).order_by(Ticket.number.desc()).limit(PAGE))]


def loans_to_decide(db: Session, *, actor: SignedIn) -> list[Line]:
    """Return the loans that wait for the actor's yes or no, the oldest first; nothing is opened."""
    query = select(Ticket, Volume).join(Volume, Volume.volume_id == Ticket.volume_id).where(Ticket.state == "asked")
    rows = db.execute(query.where(Ticket.basis != "returning").order_by(Ticket.number))
    found = (Line(row[0], row[1]) for row in rows)
    return [one for one in found if decide(actor, Permission.LOAN_DECIDE, loan_facts(db, one.ticket) or NOTHING).allowed]


def losses(db: Session, *, actor: SignedIn) -> list[Line]:
    """Return the lost volumes whose loss has not been reported yet, the oldest first, for every director."""
    query = select(Ticket, Volume).join(Volume, Volume.volume_id == Ticket.volume_id).where(Ticket.state == "lost")
    open_ones = select(Task.object_id).where(Task.kind == "inform", Task.ended_on.is_(None))
    rows = db.execute(query.where(Ticket.ticket_id.in_(open_ones)).order_by(Ticket.number))
    found = (Line(row[0], row[1]) for row in rows)
    return [one for one in found if decide(actor, Permission.LOAN_LOSS, loan_facts(db, one.ticket) or NOTHING).allowed]


def refusals(db: Session, *, actor: SignedIn) -> Sequence[LoanRefusal]:
    """Return the newest refusals."""
    require(db, actor, Permission.VOLUME_LIST)
    return db.scalars(select(LoanRefusal).order_by(LoanRefusal.number.desc()).limit(PAGE)).all()


def refused_this_month(db: Session) -> int:
    """Return how often a file was refused since the first of the month: a figure, without a trace of whose."""
    day = today(house_of(db).settings.time_zone)
    since = date(day.year, day.month, 1)
    return db.scalar(select(func.count()).select_from(LoanRefusal).where(LoanRefusal.on_day >= since)) or 0
