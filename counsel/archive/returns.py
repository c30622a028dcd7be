"""What comes back: checked against what went out, renewed once, reminded of, or lost (篇8 六; R8-10, R8-11; domain §5.5)."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import holders_in
from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.archive.lending import BACK, FORM, LONGEST, consent_stands, loan_facts, may_read, read_line
from counsel.archive.models import Ticket, Volume
from counsel.archive.reading import check_clock, due_on, forget_read, make_excerpt
from counsel.archive.seals import seal_anew
from counsel.archive.tickets import end_without_ground
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import Role
from counsel.core.clock import at_local, now, today
from counsel.core.database import house_of, writing
from counsel.core.errors import ConflictError, InvalidError
from counsel.keys.boxes import revoke
from counsel.keys.grants import Reader
from counsel.keys.rotation import open_to_add
from counsel.keys.trust import check_recipient, holder_row
from counsel.outbox.notices import notify
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import case_at
from counsel.people.deputies import directors
from counsel.records.services import newest_number, write_signed
from counsel.tasks.services import end_tasks, open_task

WHOLE, CONDITIONS = "whole", ("whole", "damaged", "missing")


def take_back(
    db: Session,
    *,
    actor: SignedIn,
    ticket: Ticket,
    pages: int | None = None,
    condition: str = WHOLE,
    counted: frozenset[str] = frozenset(),
    words: str = "",
) -> None:
    """Check what came back against what went out; the reader's key goes, and the volume gets a new seal with its reason.

    What was lost and is found again comes back the same way. The caller has passed the gate. What is not as it went out is told
    to the director, with the words.

    :param pages: of paper, counted again; `counted`: the forms that were open, ticked one by one.
    :raises InvalidError: not counted, or not whole and without a word; :raises ConflictError: it is back already.

    Records: ``archive:ticket:returned``. Rule: 篇8 六; R8-11.
    """
    with recording(db) as record:
        volume, case = hold_open(db, ticket, found_again=True)
        forms = set(read_line(db, actor=actor, ticket=ticket)[FORM]["forms"])
        _check(ticket, pages, condition, counted, forms, words)
        ticket.pages_back = pages if ticket.mode == "paper" else None
        if ticket.state == "lost":
            end_tasks(db, object_id=ticket.ticket_id, kind="inform", outcome="seen")
        _end(db, actor, ticket, volume, case)
        said = {"pages": ticket.pages_back, "condition": condition, "words": words.strip(), "by": actor.name}
        assert ticket.box_id is not None
        box = open_to_add(db, keys_of(db, actor), ticket.box_id)
        number = 1 + newest_number(db, box.box_id, BACK)
        write_signed(db, box=box, kind=BACK, keyring=keys_of(db, actor), content=said, number=number)
        if condition != WHOLE or ticket.pages_back != ticket.pages_out:
            for account in directors(db):
                notify(db, reader_id=account.holder_id, kind="loan", object_id=ticket.ticket_id)
        client_id = case.client_id if case is not None else None
        record.by(actor, "archive:ticket:returned", subject_id=client_id, object_id=volume.volume_id, detail=condition)


def hold_open(db: Session, ticket: Ticket, *, found_again: bool = False) -> tuple[Volume, Case | None]:
    """Hold a loan that is out, inside the caller's transaction.

    :param found_again: or one that was lost.

    :raises ConflictError: it is back, or was never handed out.
    """
    volume = db.get_one(Volume, ticket.volume_id)
    db.refresh(volume, with_for_update=True)
    db.refresh(ticket, with_for_update=True)
    if ticket.state not in (("open", "lost") if found_again else ("open",)) or ticket.box_id is None:
        raise ConflictError("task_ended")
    return volume, case_at(db, volume.case_id)


def _check(ticket: Ticket, pages: int | None, condition: str, counted: frozenset[str], forms: set[str], words: str) -> None:
    problems = {}
    if condition not in CONDITIONS:
        problems["condition"] = "unknown"
    if ticket.mode == "paper" and (pages is None or not 0 <= pages <= (ticket.pages_out or 0)):
        problems["pages"] = "a_number"
    if ticket.mode != "paper" and not forms <= counted:
        problems["counted"] = "check_all"
    wrong = condition != WHOLE or (ticket.mode == "paper" and pages != ticket.pages_out)
    if wrong and not words.strip():
        problems["words"] = "empty"
    if ticket.mode == "paper" and pages != ticket.pages_out and condition == WHOLE:
        problems["condition"] = "count_again"
    if len(words) > LONGEST:
        problems["words"] = "too_long"
    if problems:
        raise InvalidError(**problems)


def _end(db: Session, actor: SignedIn, ticket: Ticket, volume: Volume, case: Case | None) -> None:
    """Take the reader's key, and give the volume a new seal."""
    ticket.state, ticket.returned_on = "returned", today(house_of(db).settings.time_zone)
    ticket.code_finder = ticket.code_sealed = None
    if ticket.reading_box_id is not None:
        revoke(db, ticket.reading_box_id, ticket.reader_id)
    why = {"reader": ticket.reader_id.hex, "purpose": ticket.basis, "loan": ticket.number, "mode": ticket.mode}
    why |= {"until": str(ticket.until_on), "back": str(ticket.returned_on)}
    opened = case if ticket.mode != "paper" else None
    seal_anew(db, keyring=keys_of(db, actor), volume=volume, case=opened, why=why)


def renew(db: Session, *, actor: SignedIn, ticket: Ticket) -> None:
    """Let a loan run on once, from today, while its ground stands. The caller has passed the gate.

    :raises ConflictError: renewed before, a copy, or it is back; ``no_consent``.

    Records: ``archive:ticket:renewed``. Rule: R8-10; domain §5.5.
    """
    check_clock(db)
    with recording(db) as record:
        volume, case = hold_open(db, ticket)
        if ticket.renewed or ticket.mode == "copy":
            raise ConflictError("renewed")
        if not consent_stands(db, actor=actor, ticket=ticket):
            raise ConflictError("no_consent")
        ticket.renewed, ticket.until_on = True, due_on(db, ticket)
        if ticket.reading_box_id is not None and case is not None:
            holder = holder_row(db, ticket.reader_id)
            if holder is None or not may_read(db, case, ticket.reader_id):
                raise ConflictError("task_ended")
            check_recipient(db, holder)
            revoke(db, ticket.reading_box_id, ticket.reader_id)
            end = at_local(ticket.until_on + timedelta(days=1), 0, house_of(db).settings.time_zone)
            forms = read_line(db, actor=actor, ticket=ticket)[FORM]["forms"]
            reader = Reader(holder, "reading", end)
            ticket.reading_box_id = make_excerpt(db, actor=actor, case=case, forms=forms, reader=reader)
        notify(db, reader_id=ticket.reader_id, kind="loan", object_id=ticket.ticket_id)
        record.by(actor, "archive:ticket:renewed", object_id=volume.volume_id)


def lose(db: Session, *, actor: SignedIn, ticket: Ticket, words: str) -> None:
    """Paper that does not come back: on the register as lost, and the director must report it as a major event by its clock.

    The caller has passed the gate.

    :raises InvalidError: no word of it, or nothing of paper; :raises ConflictError: it is back.

    Records: ``archive:ticket:lost``. Rule: 篇8 六; 篇8 十; domain §5.5.
    """
    if not words.strip() or len(words) > LONGEST:
        raise InvalidError(words="too_long" if words.strip() else "empty")
    if ticket.mode != "paper":
        raise InvalidError(words="not_for_this")
    settings = house_of(db).settings
    with recording(db) as record:
        volume, _case = hold_open(db, ticket)
        ticket.state, ticket.returned_on = "lost", today(settings.time_zone)
        assert ticket.box_id is not None
        box = open_to_add(db, keys_of(db, actor), ticket.box_id)
        said = {"pages": None, "condition": "missing", "words": words.strip(), "by": actor.name}
        write_signed(db, box=box, kind=BACK, keyring=keys_of(db, actor), content=said)
        due = now() + timedelta(hours=settings.loss_hours)
        open_task(db, kind="inform", due_at=due, object_id=ticket.ticket_id, owner_role=Role.DIRECTOR)
        for account in directors(db):
            notify(db, reader_id=account.holder_id, kind="loan", object_id=ticket.ticket_id)
        record.by(actor, "archive:ticket:lost", object_id=volume.volume_id)


def loss_reported(db: Session, *, actor: SignedIn, ticket: Ticket) -> None:
    """The director says that the loss was reported as a major event: its clock ends.

    Records: ``archive:loss:reported``.
    """
    require(db, actor, Permission.LOAN_LOSS, loan_facts(db, ticket), object_id=ticket.ticket_id)
    if ticket.state != "lost":
        raise ConflictError("task_ended")
    with recording(db) as record:
        end_tasks(db, object_id=ticket.ticket_id, kind="inform", outcome="seen")
        record.by(actor, "archive:loss:reported", object_id=ticket.volume_id)


def mind_loans(db: Session) -> str:
    """Remind the reader on the last day, the archivists from the day after, the directors later; let ended copies go.

    Needs no key; twice changes nothing that was read.
    """
    settings = house_of(db).settings
    day = today(settings.time_zone)
    with writing(db):
        rows = db.scalars(select(Ticket).where(Ticket.state == "open", Ticket.until_on <= day)).all()
        for ticket in rows:
            for holder_id in _reminded(db, ticket, (day - ticket.until_on).days if ticket.until_on else 0):
                notify(db, reader_id=holder_id, kind="loan", object_id=ticket.ticket_id)
    return f"{len(rows)} loans, {forget_read(db)} copies, {end_without_ground(db)} without ground"


def _reminded(db: Session, ticket: Ticket, late: int) -> set[UUID]:
    if ticket.mode == "copy":
        return set()
    people = {ticket.reader_id}
    if late >= 1:
        people |= set(holders_in(db, Role.ARCHIVIST))
    if late >= house_of(db).settings.loan_director_days:
        people |= {account.holder_id for account in directors(db) if account.holder_id is not None}
    return people
