"""Tell of patterns in the log: somebody refused often, somebody who opens many; the director, or about one the supervisor."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import roles_now
from counsel.access.models import Account
from counsel.audit.chain import recording
from counsel.audit.patterns import OPENED_MANY, REFUSED_OFTEN, opened_many, refused_often, told_already
from counsel.confidentiality.roles import Role
from counsel.core.database import house_of
from counsel.outbox.notices import notify


def tell_patterns(db: Session) -> str:
    """Look at the last hour and tell of each pattern once within it; needs no key, and names nobody in a message.

    Records: ``audit:refused:often``, ``audit:opened:many``.
    """
    settings = house_of(db).settings
    found = [(REFUSED_OFTEN, *who) for who in refused_often(db, settings.refusals_limit)]
    found += [(OPENED_MANY, *who) for who in opened_many(db, settings.openings_stop_limit)]
    told = [(tag, actor, role) for tag, actor, role in found if not told_already(db, actor, tag)]
    for tag, actor, role in told:
        with recording(db) as record:
            for reader in _whom(db, actor):
                notify(db, reader_id=reader, kind="pattern", object_id=actor)
            record.line(tag, object_id=actor, detail=role)
    return f"{len(told)} patterns"


def _whom(db: Session, actor: UUID) -> list[UUID]:
    """Return the directors but for the one it is about, in whose place stands the supervisor."""
    staff = db.scalars(select(Account).where(Account.kind == "staff", Account.status == "active")).all()
    roles = {row: set(roles_now(db, row)) for row in staff}
    wanted = {Role.DIRECTOR}
    if any(row.holder_id == actor and Role.DIRECTOR in roles[row] for row in staff):
        wanted.add(Role.SUPERVISOR)
    return [row.holder_id for row in staff if row.holder_id not in (None, actor) and roles[row] & wanted and row.holder_id]
