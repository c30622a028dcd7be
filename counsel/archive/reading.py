"""What a loan opens: the chosen forms of a filed case, copied into a box of their own for one reader until a day.

The case's own boxes are granted to nobody: the archivist's session opens them, copies, and shuts them with a new seal. When it
is back the copy's lock is erased (篇4 三; domain §5.5).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.handed import find_by_code, seal_under_code
from counsel.access.sign_ins import SignedIn
from counsel.archive.escrow import shut
from counsel.archive.lending import FORM, consent_stands, loan_facts, may_read, read_line
from counsel.archive.manifest import BESIDE, boxes_beside, is_done
from counsel.archive.models import Ticket, Volume
from counsel.audit.chain import recording
from counsel.audit.marks import not_before, note_time, runs_behind
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import at_local, now, today, working_days_after
from counsel.core.database import house_of, writing
from counsel.core.errors import ConflictError, InvalidError, NotFoundError, UnreadableError
from counsel.crypto.codes import new_code
from counsel.keys.boxes import create_box, open_box
from counsel.keys.bundle import Keyring
from counsel.keys.grants import Reader
from counsel.keys.locks import erase_lock
from counsel.keys.models import Box, Grant
from counsel.keys.trust import check_recipient, holder_row
from counsel.outbox.notices import notify
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import case_at
from counsel.records.services import items_in, open_bodies, write_signed

EXCERPT, COPY = "excerpt", "loan-copy"


@dataclass(frozen=True)
class Excerpt:
    """One form as it was opened for a reader: its texts, the first and what was added to it."""

    kind: str
    number: int
    day: date
    texts: tuple[dict[str, Any], ...]


def serve_loan(db: Session, *, actor: SignedIn, ticket: Ticket, pages: int | None = None, digits: str = "") -> str:
    """The archivist's part: hand out the counted paper, or open the chosen forms; return the code of a copy, shown this once.

    The caller has passed the gate.

    :param pages: of paper, as they were counted out; `digits`: the last four of the number a copy's code is told to.
    :raises InvalidError: another number of pages, no digits, nothing of the chosen forms there.
    :raises ConflictError: ``no_consent``, or it was served, or the reader has left; ``clock``, while the clock runs behind.

    Records: ``archive:ticket:served``. Rule: 篇8 六; R8-09, R8-10.
    """
    check_clock(db)
    with recording(db) as record:
        note_time(db)
        volume = db.get_one(Volume, ticket.volume_id)
        db.refresh(volume, with_for_update=True)
        db.refresh(ticket, with_for_update=True)
        if ticket.state != "approved":
            raise ConflictError("task_ended")
        if not consent_stands(db, actor=actor, ticket=ticket):
            raise ConflictError("no_consent")
        case = case_at(db, volume.case_id)
        if ticket.mode != "copy" and not may_read(db, case, ticket.reader_id):
            raise ConflictError("task_ended")
        ticket.state, ticket.archivist_id, ticket.until_on = "open", actor.holder_id, due_on(db, ticket)
        code = _open(db, actor, ticket, volume, case, pages, digits)
        notify(db, reader_id=ticket.reader_id, kind="loan", object_id=ticket.ticket_id)
        client_id = case.client_id if case is not None else None
        record.by(actor, "archive:ticket:served", subject_id=client_id, object_id=volume.volume_id)
    return code


def check_clock(db: Session) -> None:
    """Refuse to open anything until a day while the clock shows an earlier time than it did.

    :raises ConflictError: ``clock``.
    """
    if runs_behind(db):
        raise ConflictError("clock")


def due_on(db: Session, ticket: Ticket) -> date:
    """Return until when: in the room for a day, a copy until its code ends, otherwise so many working days."""
    settings = house_of(db).settings
    day = today(settings.time_zone)
    if ticket.mode == "room":
        return day
    if ticket.mode == "copy":
        return day + timedelta(hours=settings.copy_hours)
    return working_days_after(day, settings.loan_workdays)


def _open(db: Session, actor: SignedIn, ticket: Ticket, volume: Volume, case: Case | None, pages: int | None, digits: str) -> str:
    if ticket.mode == "paper":
        if pages != pages_there(db, volume):
            raise InvalidError(pages="count_again")
        ticket.pages_out = pages
        return ""
    assert case is not None and ticket.until_on is not None
    zone, code = house_of(db).settings.time_zone, ""
    holder, end = holder_row(db, ticket.reader_id), at_local(ticket.until_on + timedelta(days=1), 0, zone)
    if ticket.mode == "copy":
        if len(digits) != 4 or not digits.isdecimal():
            raise InvalidError(digits="phone")
        code, end = new_code(), now().replace(microsecond=0) + timedelta(hours=house_of(db).settings.copy_hours)
        holder, ticket.code_until = seal_under_code(db, ticket, ticket.ticket_id, COPY, code=code, digits=digits), end
    else:
        assert holder is not None
        check_recipient(db, holder)
    assert holder is not None
    forms = read_line(db, actor=actor, ticket=ticket)[FORM]["forms"]
    ticket.reading_box_id = make_excerpt(db, actor=actor, case=case, forms=forms, reader=Reader(holder, "reading", end))
    return code


def pages_there(db: Session, volume: Volume) -> int:
    """Return how many pages of paper the volume has now: what was counted back last, else what was sealed."""
    back = select(Ticket.pages_back).where(Ticket.volume_id == volume.volume_id, Ticket.pages_back.is_not(None))
    last = db.scalar(back.order_by(Ticket.number.desc()).limit(1))
    return volume.pages if last is None else last


def make_excerpt(db: Session, *, actor: SignedIn, case: Case, forms: Iterable[str], reader: Reader) -> UUID:
    """Copy the signed forms of some kinds into a new box for one reader, inside the archivist's transaction; return the box.

    :raises InvalidError: ``forms``, the case has none of these.
    """
    keyring, wanted = keys_of(db, actor), set(forms)
    shut(db, case, on=False)
    beside = boxes_beside(db, case) if wanted & set(BESIDE) else []
    sources = {box_id: open_box(db, keyring, box_id) for box_id in (case.box_id, case.shared_box_id, *beside)}
    items = [item for item in items_in(db, list(sources)) if is_done(item) and item.kind in wanted]
    if not items:
        raise InvalidError(forms="nothing_there")
    box = create_box(db, kind="reading", readers=[reader], granter=keyring)
    db.flush()
    for number, item in enumerate(sorted(items, key=lambda item: (item.kind, item.number)), start=1):
        texts = open_bodies(db, box=sources[item.box_id], item=item)
        content = {"kind": item.kind, "number": item.number, "day": item.on_day.isoformat(), "texts": texts}
        write_signed(db, box=box, kind=EXCERPT, keyring=keyring, content=content, number=number)
    shut(db, case, on=True)
    return box.box_id


def read_excerpt(db: Session, *, actor: SignedIn, ticket: Ticket) -> list[Excerpt]:
    """Open what a loan opened for its reader; the client sees that it was read.

    Records: ``archive:excerpt:read``. Rule: 篇4 三.
    """
    require(db, actor, Permission.LOAN_READ, loan_facts(db, ticket), object_id=ticket.ticket_id)
    with recording(db) as record:
        found = _excerpts(db, keys_of(db, actor), ticket)
        record.by(actor, "archive:excerpt:read", subject_id=_client_of(db, ticket), object_id=ticket.volume_id)
    return found


def _client_of(db: Session, ticket: Ticket) -> UUID | None:
    volume = db.get_one(Volume, ticket.volume_id)
    return db.get_one(Case, volume.case_id).client_id if volume.case_id else None


def _excerpts(db: Session, keyring: Keyring, ticket: Ticket) -> list[Excerpt]:
    if ticket.reading_box_id is None:
        raise UnreadableError("nothing was opened")
    box = open_box(db, keyring, ticket.reading_box_id)
    found = []
    for item in sorted(items_in(db, [ticket.reading_box_id]), key=lambda item: item.number):
        said = open_bodies(db, box=box, item=item)[0]
        found.append(Excerpt(said["kind"], said["number"], date.fromisoformat(said["day"]), tuple(said["texts"])))
    return found


def read_copy(db: Session, *, code: str, digits: str, address: str) -> tuple[Ticket, list[Excerpt]]:
    """Open the copy of the own file with the code that was told by telephone.

    :raises NotFoundError, ConflictError: as `find_by_code`.

    Records: ``archive:copy:read``. Rule: 篇4 一; PIPL 45.
    """
    place = {"code": code, "digits": digits, "address": address}
    ticket, keyring = find_by_code(db, Ticket, COPY, **place, id_of=lambda row: row.ticket_id, stands=partial(_stands, db))
    try:
        with recording(db) as record:
            found = _excerpts(db, keyring, ticket)
            record.line("archive:copy:read", role="somebody", subject_id=_client_of(db, ticket), object_id=ticket.ticket_id)
    except UnreadableError as error:
        raise NotFoundError(COPY) from error
    return ticket, found


def _stands(db: Session, ticket: Ticket) -> bool:
    return ticket.state == "open" and ticket.code_until is not None and ticket.code_until > not_before(db)


def forget_read(db: Session) -> int:
    """Erase the locks of copies whose loan is over, or whose day has passed, and their keys; return how many.

    What was sealed there opens from then on for nobody. A crash in between leaves a box for the next time.
    """
    day = today(house_of(db).settings.time_zone)
    kept = select(Ticket.reading_box_id).where(Ticket.state == "open", Ticket.until_on >= day)
    kept = kept.where(Ticket.reading_box_id.is_not(None), Ticket.consent.in_(("none", "given")))
    over = select(Box.box_id).where(Box.kind == "reading", Box.shut.is_(False), Box.box_id.not_in(kept))
    gone = list(db.scalars(over))
    for box_id in gone:
        erase_lock(house_of(db), box_id)
    with writing(db):
        db.execute(delete(Grant).where(Grant.box_id.in_(gone)))
        db.execute(update(Box).where(Box.box_id.in_(gone)).values(shut=True))
    return len(gone)
