"""The client's part of a loan: a yes on the own page, taken back at any time, or taken down as it was given (R8-09)."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import holders_in
from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.archive.lending import FORM, LONGEST, WAYS, loan_facts, take_down
from counsel.archive.models import RUNNING, Ticket, Volume
from counsel.audit.chain import recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import Role
from counsel.core.errors import ConflictError, InvalidError, UnreadableError
from counsel.keys.boxes import open_box, revoke
from counsel.keys.models import Grant
from counsel.keys.rotation import open_to_add
from counsel.outbox.notices import notify
from counsel.pathway.cases.services import case_at
from counsel.records.services import items_in, open_bodies


def record_consent(db: Session, *, actor: SignedIn, ticket: Ticket, way: str, place: str = "", agreed: bool = True) -> None:
    """Take down the client's yes that was given in the room, by telephone or on paper, or that it was taken back.

    :raises InvalidError: another way, or paper without its place; :raises ConflictError: nothing is waited for any more.

    Records: ``archive:loan:agreed`` or ``:withdrawn``. Rule: R8-09.
    """
    require(db, actor, Permission.LOAN_SEE, loan_facts(db, ticket), object_id=ticket.ticket_id)
    problems = {} if way in WAYS[1:] else {"way": "unknown"}
    if way == "paper" and not place.strip():
        problems["place"] = "empty"
    if problems or len(place) > LONGEST:
        raise InvalidError(**(problems or {"place": "too_long"}))
    assert ticket.box_id is not None
    with recording(db) as record:
        db.refresh(ticket, with_for_update=True)
        if ticket.state not in RUNNING or ticket.consent not in (("waiting",) if agreed else ("waiting", "given")):
            raise ConflictError("task_ended")
        _said(db, actor, ticket, {"way": way, "place": place, "agreed": agreed, "by": actor.name})
        record.by(actor, f"archive:loan:{'agreed' if agreed else 'withdrawn'}", object_id=ticket.volume_id)


def _said(db: Session, actor: SignedIn, ticket: Ticket, said: dict[str, Any]) -> None:
    """Put what the client said on the register; a no takes the reader's key in the same transaction and is told at the desk."""
    assert ticket.box_id is not None
    keyring = keys_of(db, actor)
    take_down(db, ticket, open_to_add(db, keyring, ticket.box_id), keyring, said)
    people = {ticket.asker_id}
    if not said["agreed"]:
        people |= {ticket.reader_id, *holders_in(db, Role.ARCHIVIST)}
        if ticket.reading_box_id is not None:
            revoke(db, ticket.reading_box_id, ticket.reader_id)
    for holder_id in people - {None, actor.holder_id}:
        notify(db, reader_id=holder_id, kind="loan", object_id=ticket.ticket_id)


def own_loans(db: Session, *, actor: SignedIn) -> list[tuple[Ticket, str, dict[str, Any]]]:
    """Return the loans the client is or was asked about: (line, code of the volume, what is asked); the newest first.

    Records: ``archive:loans:read``, when there are any.
    """
    require(db, actor, Permission.FILE_OWN, Facts(client_id=actor.client_id))
    mine = select(Grant.box_id).where(Grant.holder_id == actor.holder_id)
    query = select(Ticket, Volume.code).join(Volume, Volume.volume_id == Ticket.volume_id)
    rows = db.execute(query.where(Ticket.box_id.in_(mine)).order_by(Ticket.number.desc())).all()
    if not rows:
        return []
    with recording(db) as record:
        found = [(ticket, code or "", _asked(db, actor, ticket)) for ticket, code in rows]
        record.by(actor, "archive:loans:read", subject_id=actor.client_id, detail=str(len(rows)))
    return found


def _asked(db: Session, actor: SignedIn, ticket: Ticket) -> dict[str, Any]:
    assert ticket.box_id is not None
    item = next(item for item in items_in(db, [ticket.box_id]) if item.kind == FORM)
    try:
        return open_bodies(db, box=open_box(db, keys_of(db, actor), ticket.box_id), item=item)[0]
    except UnreadableError:
        return {}


def answer_own(db: Session, *, actor: SignedIn, ticket_id: UUID | None, agreed: bool) -> Ticket:
    """Say yes or no to a loan of the own file, or take the yes back: the reader's key goes in the same transaction.

    :raises ConflictError: it is over, or was taken back while somebody read: what was closed is asked for anew.

    Records: ``archive:loan:agreed`` or ``:withdrawn``. Rule: R8-09.
    """
    ticket = db.get(Ticket, ticket_id) if ticket_id is not None else None
    require(db, actor, Permission.FILE_OWN, _own_facts(db, actor, ticket), object_id=ticket_id)
    assert ticket is not None and ticket.box_id is not None
    with recording(db) as record:
        db.refresh(ticket, with_for_update=True)
        closed = ticket.state == "open" and ticket.consent == "withdrawn"
        if ticket.state not in RUNNING or (agreed and closed):
            raise ConflictError("task_ended")
        _said(db, actor, ticket, {"way": "own", "place": "", "agreed": agreed, "by": ""})
        word = "agreed" if agreed else "withdrawn"
        record.by(actor, f"archive:loan:{word}", subject_id=actor.client_id, object_id=ticket.volume_id)
    return ticket


def _own_facts(db: Session, actor: SignedIn, ticket: Ticket | None) -> Facts | None:
    """Return whose file a loan is about, when it asks for that person's yes and the person can see it."""
    if ticket is None or ticket.basis != "consent":
        return None
    mine = select(Grant.grant_id).where(Grant.box_id == ticket.box_id, Grant.holder_id == actor.holder_id)
    case = case_at(db, db.get_one(Volume, ticket.volume_id).case_id)
    return Facts(client_id=case.client_id) if case is not None and db.scalar(mine.limit(1)) is not None else None
