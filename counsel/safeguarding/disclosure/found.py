"""Find a disclosure, know what the rules ask about it, open what it says; shared by all who have a part in it."""

from contextlib import suppress
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, refuse, require
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.facts import NOTHING, Facts
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now
from counsel.core.errors import TamperError, UnreadableError
from counsel.keys.boxes import open_box
from counsel.keys.grants import Reader
from counsel.keys.models import Grant
from counsel.keys.trust import check_recipient, holder_row
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import case_at, case_facts
from counsel.people.conflicts import barred_now
from counsel.people.exclusions import kept_from
from counsel.records.models import Item
from counsel.records.services import item_of, open_bodies
from counsel.safeguarding.disclosure.draft import Content
from counsel.safeguarding.disclosure.models import Disclosure

FORM = "F09"
ASKED = ("approve", "review")  # purposes of a grant


def disclosure_facts(db: Session, row: Disclosure | None) -> Facts | None:
    """Return what the rules may know about a disclosure."""
    if row is None:
        return None
    about = case_facts(db, case_at(db, row.case_id)) or NOTHING
    return Facts(
        client_id=row.client_id,
        assigned_to=about.assigned_to,
        read_by=about.read_by,
        state=row.state,
        requester_id=row.sender_account,
        by_director=row.by_director,
        sender_id=row.sender_id,
        decider_id=row.decider_id,
        asked=frozenset(db.scalars(select(Grant.holder_id).where(Grant.box_id == row.box_id, Grant.purpose.in_(ASKED)))),
        waited=row.duty_from is not None and now() >= row.duty_from,
        barred=barred_now(db, row.client_id),
    )


def asked_for_yes(db: Session, row: Disclosure) -> set[UUID]:
    """Return the people who hold a key to say yes or no to a submitted disclosure, the group `duty` apart."""
    asked = select(Grant.holder_id).join(Account, Account.holder_id == Grant.holder_id).where(Account.status == "active")
    return set(db.scalars(asked.where(Grant.box_id == row.box_id, Grant.purpose == "approve")))


def find_disclosure(db: Session, *, actor: SignedIn, disclosure_id: UUID | None, permission: Permission) -> Disclosure:
    """Return a disclosure the actor may use in this way, or refuse as if it were absent."""
    row = db.get(Disclosure, disclosure_id) if disclosure_id is not None else None
    require(db, actor, permission, disclosure_facts(db, row), object_id=disclosure_id)
    assert row is not None
    return row


def form_of(db: Session, row: Disclosure) -> Item:
    """Return the form's item, without opening it."""
    item = item_of(db, row.box_id, FORM)
    assert item is not None
    return item


def open_form(db: Session, *, actor: SignedIn, row: Disclosure) -> Content:
    """Open a disclosure's form, for a look that the actor did not ask for: nothing is refused, so nothing counts as a refusal.

    :raises UnreadableError: no key, or spoilt; :raises TamperError: a key that was planted.

    Records: ``safeguarding:disclosure:read``.
    """
    keyring = keys_of(db, actor)
    with recording(db) as record:
        content = open_bodies(db, box=open_box(db, keyring, row.box_id), item=form_of(db, row))[0]
        record.by(actor, "safeguarding:disclosure:read", subject_id=row.client_id, object_id=row.disclosure_id)
    return content


def read_form(db: Session, *, actor: SignedIn, row: Disclosure) -> Content:
    """Open a disclosure's form; the caller has passed the gate. For whoever has no key to it, it is not there.

    :raises TamperError: a key that was planted.

    Records: ``safeguarding:disclosure:read``.
    """
    try:
        return open_form(db, actor=actor, row=row)
    except TamperError:
        raise
    except UnreadableError:
        refuse(db, actor, Permission.DISCLOSURE_READ, row.disclosure_id)


def counsellor_beside(db: Session, case: Case | None, *, actor: SignedIn) -> list[Reader]:
    """Return the counsellor of a case as a reader, when somebody else sends: nobody kept away, no keys that are not theirs."""
    if case is None or case.counsellor_id == actor.holder_id:
        return []
    other, kept = holder_row(db, case.counsellor_id), kept_from(db, actor=actor, client_id=case.client_id)
    if other is None or other.revoked or other.holder_id in kept:
        return []
    with suppress(UnreadableError):
        check_recipient(db, other)
        return [Reader(other, "counsellor")]
    return []


def stamp() -> str:
    """Return the present moment as a sealed text keeps it, to the second."""
    return now().isoformat(timespec="seconds")
