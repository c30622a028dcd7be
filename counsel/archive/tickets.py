"""F15 for a returning client: the counsellor of the new case reads the earlier file by a ticket, the same day (篇4 三; R4-07).

Without a ticket a sealed file opens for nobody, the archive included: its boxes are shut. A ticket opens them for one act of the
archivist's session, which grants the reader a time-boxed key and shuts them; back again they get a new seal with its reason.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from counsel.access.accounts import holders_in
from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.archive.escrow import shut
from counsel.archive.models import RUNNING, Ticket, Volume
from counsel.archive.reading import check_clock
from counsel.archive.seals import seal_anew
from counsel.audit.chain import recording
from counsel.audit.marks import note_time
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import Role
from counsel.core.clock import at_local, today
from counsel.core.database import house_of, writing
from counsel.core.errors import ConflictError
from counsel.core.ids import new_id
from counsel.keys.boxes import add_reader, open_box, revoke
from counsel.keys.grants import Reader
from counsel.keys.models import Box
from counsel.keys.trust import check_recipient, holder_row
from counsel.outbox.notices import notify
from counsel.pathway.cases.lifecycle import OPEN_STATES
from counsel.pathway.cases.models import Case, CaseReader
from counsel.pathway.cases.opening import next_number
from counsel.pathway.cases.services import case_facts
from counsel.people.conflicts import declared_against

READING = "reading"


def earlier_volumes(db: Session, case: Case) -> list[Volume]:
    """Return the sealed volumes of the same client, the newest first; nothing is opened."""
    others = select(Case.case_id).where(Case.client_id == case.client_id, Case.case_id != case.case_id)
    query = select(Volume).where(Volume.case_id.in_(others), Volume.state == "sealed")
    return list(db.scalars(query.order_by(Volume.year.desc(), Volume.case_no.desc())))


def tickets_of(db: Session, case: Case) -> dict[UUID, Ticket]:
    """Return the newest ticket for each volume that was asked for in a case."""
    query = select(Ticket).where(Ticket.case_id == case.case_id).order_by(Ticket.asked_on, Ticket.ticket_id)
    return {ticket.volume_id: ticket for ticket in db.scalars(query)}


def ask(db: Session, *, actor: SignedIn, case: Case, volume_id: UUID | None) -> Ticket:
    """Ask for an earlier volume of a client who has come back; nobody's yes is needed, the archivist serves it.

    :raises ConflictError: it has been asked for, or is being read, in this case.

    Records: ``archive:ticket:asked``. Rule: 篇4 三; domain §5.5.
    """
    volume = db.get(Volume, volume_id) if volume_id is not None else None
    fits = volume is not None and volume in earlier_volumes(db, case)
    require(db, actor, Permission.TICKET_ASK, case_facts(db, case) if fits else None, object_id=volume_id)
    assert volume is not None and actor.holder_id is not None
    with recording(db) as record:
        db.refresh(volume, with_for_update=True)
        for one in db.scalars(select(Ticket).where(Ticket.volume_id == volume.volume_id, Ticket.state.in_(RUNNING))).all():
            if one.basis == "returning":  # a loan on another ground opens a copy, and is in nobody's way
                if _has_ground(db, one):
                    raise ConflictError("faster")
                _end(db, one, db.get_one(Case, volume.case_id))
        db.flush()
        day = today(house_of(db).settings.time_zone)
        place = {"volume_id": volume.volume_id, "case_id": case.case_id, "reader_id": actor.holder_id}
        number = next_number(db, "loan")
        ticket = Ticket(ticket_id=new_id(), number=number, asked_on=day, state="asked", asker_id=actor.holder_id, **place)
        db.add(ticket)
        for holder_id in holders_in(db, Role.ARCHIVIST):
            notify(db, reader_id=holder_id, kind="volume", object_id=volume.volume_id)
        record.by(actor, "archive:ticket:asked", subject_id=case.client_id, object_id=volume.volume_id)
    return ticket


def open_tickets(db: Session, *, actor: SignedIn) -> list[tuple[Ticket, Volume]]:
    """Return the lines of the register that are not settled, the oldest first, for the lending desk."""
    require(db, actor, Permission.VOLUME_LIST)
    query = select(Ticket, Volume).join(Volume, Volume.volume_id == Ticket.volume_id).where(Ticket.state.in_(RUNNING))
    return [(row[0], row[1]) for row in db.execute(query.order_by(Ticket.asked_on, Ticket.ticket_id))]


def find_ticket(db: Session, *, actor: SignedIn, ticket_id: UUID | None, permission: Permission) -> Ticket:
    """Return a ticket the actor may settle, or refuse as if it were absent."""
    ticket = db.get(Ticket, ticket_id) if ticket_id is not None else None
    unsettled = ticket is not None and ticket.state in (*RUNNING, "lost")  # what was lost may be found again
    facts = Facts(sender_id=ticket.asker_id or ticket.reader_id) if ticket is not None and unsettled else None
    require(db, actor, permission, facts, object_id=ticket_id)
    assert ticket is not None
    return ticket


def serve(db: Session, *, actor: SignedIn, ticket: Ticket) -> None:
    """Open the volume for the ticket's reader until its day; the archivist reads nothing by it. The caller has passed the gate.

    :raises ConflictError: it is served, or the ground has gone: the case ended or changed hands, or the reader is kept away.

    Records: ``archive:ticket:served``. Rule: 篇4 三.
    """
    settings = house_of(db).settings
    check_clock(db)
    with recording(db) as record:
        note_time(db)
        volume, old = _held(db, ticket, "asked")
        if not _has_ground(db, ticket):
            raise ConflictError("task_ended")
        until = today(settings.time_zone) + timedelta(days=settings.reading_days)
        _seal_what_ended(db, actor, volume, old)
        _grant(db, actor, old, ticket.reader_id, at_local(until + timedelta(days=1), 0, settings.time_zone))
        db.merge(CaseReader(case_id=old.case_id, holder_id=ticket.reader_id, purpose=READING, until_on=until))
        ticket.state, ticket.until_on, ticket.archivist_id = "open", until, actor.holder_id
        notify(db, reader_id=ticket.reader_id, kind="volume", object_id=volume.volume_id)
        record.by(actor, "archive:ticket:served", subject_id=old.client_id, object_id=volume.volume_id)


def _has_ground(db: Session, ticket: Ticket) -> bool:
    """Return whether its reader still counsels the client who came back, and is not kept away."""
    new = db.get_one(Case, ticket.case_id)  # a returning client's always has one
    counsels = new.counsellor_id == ticket.reader_id and new.state in OPEN_STATES
    return counsels and ticket.reader_id not in declared_against(db, new.client_id)


def end_without_ground(db: Session) -> int:
    """Take the key from readers whose case ended or changed hands, or who are kept away since; needs no key.

    The job does it; the rule refuses them from the same moment on. Return how many.
    """
    count = 0
    with writing(db):
        for ticket in db.scalars(select(Ticket).where(Ticket.state == "open", Ticket.basis == "returning")).all():
            if not _has_ground(db, ticket):
                volume = db.get_one(Volume, ticket.volume_id)
                _end(db, ticket, db.get_one(Case, volume.case_id))
                count += 1
    return count


def _seal_what_ended(db: Session, actor: SignedIn, volume: Volume, old: Case) -> None:
    """Give the seal that the last opening is still owed: its reader's key went without anybody at the desk."""
    if not db.get_one(Box, old.box_id).stale:
        return
    ended = select(Ticket).where(Ticket.volume_id == volume.volume_id, Ticket.basis == "returning", Ticket.state == "returned")
    last = db.scalar(ended.order_by(Ticket.number.desc()).limit(1))
    why = {"reader": last.reader_id.hex if last else "", "purpose": "returning", "until": str(last.until_on if last else "")}
    why["back"] = str(last.returned_on if last else "")
    seal_anew(db, keyring=keys_of(db, actor), volume=volume, case=old, why=why)


def _end(db: Session, ticket: Ticket, old: Case) -> None:
    """Take the reader's key away; needs no key. The new seal is the archivist's, at the next opening or return."""
    for box_id in (old.box_id, old.shared_box_id):
        revoke(db, box_id, ticket.reader_id)
    db.execute(delete(CaseReader).where(CaseReader.case_id == old.case_id, CaseReader.holder_id == ticket.reader_id))
    ticket.state, ticket.returned_on = "returned", today(house_of(db).settings.time_zone)


def _held(db: Session, ticket: Ticket, state: str) -> tuple[Volume, Case]:
    volume = db.get_one(Volume, ticket.volume_id)
    db.refresh(volume, with_for_update=True)
    db.refresh(ticket, with_for_update=True)
    if ticket.state != state or ticket.case_id is None:  # a loan on another ground has its own desk
        raise ConflictError("task_ended")
    return volume, db.get_one(Case, volume.case_id)


def _grant(db: Session, actor: SignedIn, old: Case, reader_id: UUID, end: Any) -> None:
    """Open both boxes with the archive's key, grant them to the reader, and shut them again."""
    holder, keyring = holder_row(db, reader_id), keys_of(db, actor)
    if holder is None or holder.revoked:
        raise ConflictError("task_ended")
    check_recipient(db, holder)
    shut(db, old, on=False)
    for box_id in (old.box_id, old.shared_box_id):
        add_reader(db, open_box(db, keyring, box_id), reader=Reader(holder, READING, end), granter=keyring)
    shut(db, old, on=True)


def give_back(db: Session, *, actor: SignedIn, ticket: Ticket) -> None:
    """The reader has done, or the day has come: the key goes, and the volume gets a new seal with the reason of its opening.

    The caller has passed the gate.

    :raises ConflictError: it is back already.

    Records: ``archive:ticket:returned``. Rule: 篇4 三; domain §5.5.
    """
    keyring = keys_of(db, actor)
    with recording(db) as record:
        volume, old = _held(db, ticket, "open")
        _end(db, ticket, old)
        db.flush()
        why = {"reader": ticket.reader_id.hex, "purpose": "returning"}
        why |= {"until": str(ticket.until_on), "back": str(ticket.returned_on)}
        seal_anew(db, keyring=keyring, volume=volume, case=old, why=why)
        record.by(actor, "archive:ticket:returned", subject_id=old.client_id, object_id=volume.volume_id)


def drop(db: Session, *, actor: SignedIn, ticket: Ticket) -> None:
    """A ticket that was not served yet is taken back by whoever asked, or by the archivist. The caller has passed the gate.

    :raises ConflictError: it was served, or is settled.

    Records: ``archive:ticket:dropped``.
    """
    with recording(db) as record:
        db.refresh(ticket, with_for_update=True)
        if ticket.state not in ("asked", "approved"):
            raise ConflictError("task_ended")
        ticket.state, ticket.returned_on = "dropped", today(house_of(db).settings.time_zone)
        record.by(actor, "archive:ticket:dropped", object_id=ticket.volume_id)
