"""What the first pages and "who can see my file" are made of."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CompoundSelect, func, select
from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn
from counsel.audit.models import AuditLine
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import age_on, today
from counsel.core.database import house_of
from counsel.keys.boxes import readers_of
from counsel.keys.trust import group_name
from counsel.pathway.appointments.models import Appointment
from counsel.pathway.cases.models import Case
from counsel.pathway.intake.consent import ADULT, guardian_parts
from counsel.pathway.material.recordings import heard_by
from counsel.people.models import Student
from counsel.people.staff import staff_name
from counsel.risk.models import Report
from counsel.roster.queries import unfilled_duties
from counsel.safeguarding.disclosure.models import Disclosure, Package

MOST_LINES = 30


@dataclass(frozen=True)
class Sight:
    """Who can open a client's words today, from the real grants, and who did lately."""

    readers: tuple[tuple[str, str], ...]
    opened: tuple[tuple[datetime | date, str, str], ...]


def file_sight(db: Session, *, actor: SignedIn) -> Sight:
    """Return who holds a key to the client's requests and cases, and the latest openings (篇4 一; R13).

    Rule: 篇4 一.
    """
    require(db, actor, Permission.FILE_SIGHT, Facts(client_id=actor.client_id))
    readers: dict[tuple[str, str], None] = {}
    for box_id in _boxes_of(db, actor.client_id):
        for grant in readers_of(db, box_id):
            if grant.holder_id != actor.client_id:
                group = group_name(house_of(db), grant.holder_id)
                readers[(group or "person", staff_name(db, grant.holder_id))] = None
    for holder_id in heard_by(db, actor.client_id):
        readers[("hearing", staff_name(db, holder_id))] = None
    return Sight(tuple(readers), _opened(db, actor.client_id))


def guardians_know(db: Session, *, actor: SignedIn) -> str:
    """Return what guardians have to do with it at the client's age: ``signed``, ``informed``, ``nothing`` or ``of_age``.

    By default they see nothing; here it is only whether they sign, or hear that the client comes (篇8 二; R8-03).
    """
    require(db, actor, Permission.FILE_SIGHT, Facts(client_id=actor.client_id))
    settings = house_of(db).settings
    born = str(actor.keyring.card.get("birth_date", "")) if actor.keyring is not None else ""
    age = age_on(date.fromisoformat(born), today(settings.time_zone)) if born else None
    if age is not None and age >= ADULT:
        return "of_age"
    parts = guardian_parts(age, settings.guardian_policy)
    return "signed" if parts == ("signed",) else "informed" if "informed" in parts else "nothing"


def _boxes_of(db: Session, client_id: UUID | None) -> list[UUID]:
    requests = db.scalars(select(Appointment.box_id).where(Appointment.client_id == client_id))
    cases = db.scalars(select(Case.box_id).where(Case.client_id == client_id))
    return [box_id for box_id in dict.fromkeys([*requests, *cases]) if box_id is not None]


def _opened(db: Session, client_id: UUID | None) -> tuple[tuple[datetime | date, str, str], ...]:
    query = select(AuditLine).where(AuditLine.subject_id == client_id, AuditLine.tag.like("%:read"))
    query = query.where(AuditLine.object_id.is_(None) | AuditLine.object_id.not_in(_untold(client_id)))
    lines = db.scalars(query.order_by(AuditLine.seq.desc()).limit(MOST_LINES))
    return tuple((line.at or line.day, staff_name(db, line.actor_id), line.tag) for line in lines)


def _untold(client_id: UUID | None) -> CompoundSelect[UUID]:
    """Return disclosures, their packages and reports that the client, for a recorded reason of safety, is told of later."""
    later = select(Disclosure.disclosure_id).where(Disclosure.client_id == client_id, Disclosure.told_on.is_(None))
    packages = select(Package.package_id).where(Package.disclosure_id.in_(later))
    return later.union(packages, select(Report.report_id).where(Report.client_id == client_id, Report.told_on.is_(None)))


def student_count(db: Session, *, actor: SignedIn) -> int:
    """Return how many students are on the roll: a figure, nothing else."""
    require(db, actor, Permission.STUDENT_COUNT)
    return db.scalar(select(func.count()).select_from(Student)) or 0


def staff_count(db: Session) -> int:
    """Return how many staff accounts have not been dismissed."""
    query = select(func.count()).select_from(Account).where(Account.kind == "staff", Account.status != "dismissed")
    return db.scalar(query) or 0


def next_own(db: Session, *, actor: SignedIn) -> list[Appointment]:
    """Return the client's own times that still stand."""
    states = ("requested", "confirmed", "offered", "checked_in")
    query = select(Appointment).where(Appointment.client_id == actor.client_id, Appointment.state.in_(states))
    return list(db.scalars(query.order_by(Appointment.starts_at)))


def own_case(db: Session, *, actor: SignedIn) -> Case | None:
    """Return the client's newest case, for the pathway on the first page."""
    query = select(Case).where(Case.client_id == actor.client_id).order_by(Case.case_no.desc())
    return db.scalars(query).first()


def gaps(db: Session) -> list[tuple[int, str]]:
    """Return duties that nobody fills."""
    return unfilled_duties(db)
