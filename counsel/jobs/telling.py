"""Tell everybody who acts in a role that a task is overdue: a notice on their page, a generic message if they wish it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import roles_now
from counsel.access.models import Account
from counsel.outbox.notices import notify
from counsel.outbox.services import once_for, post
from counsel.people.addresses import addresses_of
from counsel.safeguarding.reports.found import hears_of_delay
from counsel.tasks.models import Task
from counsel.tasks.services import escalate_overdue


def escalate(db: Session) -> str:
    """Escalate what is overdue and tell whoever must see it."""
    return escalate_overdue(db, lambda task, role: tell_role(db, task, role))


def tell_role(db: Session, task: Task, role: str) -> None:
    """Tell a role once about a task, inside the caller's transaction, but nobody who must hear nothing of what it is about."""
    heard = set()
    staff = db.scalars(select(Account).where(Account.kind == "staff", Account.status == "active")).all()
    for account in staff:
        if role in roles_now(db, account) and hears_of_delay(db, task.object_id, account.holder_id):
            heard.add(account.account_id)
            notify(db, reader_id=account.holder_id, kind="task_overdue", object_id=task.task_id)
    for account_id, address in addresses_of(db, role):
        if account_id not in heard:
            continue
        post(db, to=address, text="task_overdue", once=once_for(db, "task_overdue", task.task_id, account_id))
