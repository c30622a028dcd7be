"""Tell everybody who acts in a role that a task is overdue: a notice on their page, a generic message if they wish it."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import roles_now
from counsel.access.models import Account
from counsel.confidentiality.roles import Role
from counsel.outbox.notices import notify
from counsel.outbox.services import once_for, post
from counsel.people.addresses import addresses_of
from counsel.people.conflicts import barred_now
from counsel.safeguarding.reports.found import hears_of_delay
from counsel.tasks.models import Task
from counsel.tasks.services import escalate_overdue


def escalate(db: Session) -> str:
    """Escalate what is overdue and tell whoever must see it."""
    return escalate_overdue(db, lambda task, role: tell_role(db, task, role))


def tell_role(db: Session, task: Task, role: str) -> None:
    """Tell a role once about a task, inside the caller's transaction, but nobody who must hear nothing of what it is about."""
    heard = _hearing(db, task, role)
    if not heard and role == Role.DIRECTOR:  # kept away from the client, or nobody there: then whoever counsels
        role = Role.COUNSELLOR
        heard = _hearing(db, task, role)
    for account in heard.values():
        notify(db, reader_id=account.holder_id, kind="task_overdue", object_id=task.task_id)
    for account_id, address in addresses_of(db, role):
        if account_id in heard:
            post(db, to=address, text="task_overdue", once=once_for(db, "task_overdue", task.task_id, account_id))


def _hearing(db: Session, task: Task, role: str) -> dict[UUID, Account]:
    """Return who acts in a role and may hear that a task is late, by account."""
    staff = db.scalars(select(Account).where(Account.kind == "staff", Account.status == "active")).all()
    kept = barred_now(db, task.client_id)
    able = [one for one in staff if role in roles_now(db, one) and one.holder_id not in kept]
    return {one.account_id: one for one in able if hears_of_delay(db, task.object_id, one.holder_id)}
