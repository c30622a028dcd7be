"""F15, the lending register: a sealed volume asked for on a ground, the director's yes, the client's, then the archivist's part.

What is asked stands sealed in a box of its own: for the archive, whoever says yes, whoever asked, whoever reads, and the client
who is asked for a yes. In clear there are a number, the volume, the ground and the days (篇4 三; 篇8 六; R8-09, R8-10).
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import holders_in, roles_in
from counsel.access.gate import keys_of, require
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn
from counsel.archive.catalogue import named_by
from counsel.archive.manifest import ORDER
from counsel.archive.models import BASES, MODES, RUNNING, Ticket, Volume
from counsel.audit.chain import recording
from counsel.audit.marks import not_before
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import Role
from counsel.core.clock import local, today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError, TransitionError, UnreadableError
from counsel.core.ids import new_id
from counsel.keys.boxes import OpenBox, add_reader, create_box, open_box
from counsel.keys.bundle import Keyring
from counsel.keys.grants import Reader
from counsel.keys.groups import group_reader
from counsel.keys.models import Grant
from counsel.keys.rotation import open_to_add
from counsel.keys.trust import check_recipient, holder_row, roles_of
from counsel.outbox.notices import notify
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.opening import next_number
from counsel.pathway.cases.services import case_at
from counsel.people.cards import proven_client
from counsel.people.conflicts import barred_now, declared_against
from counsel.people.deputies import second_persons
from counsel.records.services import items_in, newest_number, open_bodies, write_signed
from counsel.safeguarding.disclosure.approving import Verdict, check_verdict

FORM, CONSENT, VERDICT, BACK = "F15", "consent", "verdict", "back"
READING = (Role.COUNSELLOR, Role.DIRECTOR, Role.SUPERVISOR)
WAYS = ("own", "room", "phone", "paper")  # how a client agrees
LONGEST = 300
LENT_TO_NOBODY = ("F06", "F09", "report")  # notes are theirs; what was told and reported is the client's to read
CHOICE = tuple(code for code in ORDER if code not in LENT_TO_NOBODY)


@dataclass(frozen=True)
class Wish:
    """What somebody asks for.

    :param applicant: who wishes it, with unit; `forms`: codes of forms, none for paper; `reader_id`: a colleague who reads, or
        sits beside whoever does.
    :param paper_no: by law: number and body of the formal paper, or the statute; `identity`: own request: how the person was
        known, in person; `way`, `place`: how the client agreed, if they have.
    """

    code: str
    basis: str
    mode: str
    applicant: str
    purpose: str
    forms: tuple[str, ...] = ()
    reader_id: UUID | None = None
    paper_no: str = ""
    paper_body: str = ""
    statute: str = ""
    identity: str = ""
    way: str = ""
    place: str = ""


def ask_loan(db: Session, *, actor: SignedIn, wish: Wish) -> Ticket:
    """Ask for a sealed volume on another ground than a client who came back; the director is asked for a yes.

    :raises InvalidError: field by field; :raises ConflictError: ``lent``, it is lent, or asked for, on such a ground.
    :raises TransitionError: ``NO_SECOND_PERSON``, while nobody could say yes.

    Records: ``archive:loan:asked``. Rule: 篇4 三; 篇8 六; R8-09, R8-10.
    """
    require(db, actor, Permission.LOAN_ASK)
    if wish.mode == "copy":
        wish = replace(wish, reader_id=None)  # it is the person's, who fetches it with a code
    found = db.scalars(select(Volume).where(named_by(house_of(db).settings, wish.code), Volume.state == "sealed").limit(2)).all()
    volume = found[0] if len(found) == 1 else None
    case = case_at(db, volume.case_id if volume is not None else None)
    problems = _problems(db, wish, volume, case)
    if problems:
        raise InvalidError(**problems)
    assert volume is not None and actor.holder_id is not None
    barred = declared_against(db, case.client_id) if case is not None else frozenset()
    outside, able = second_persons(db, account_id=actor.staff_id, kept=barred)
    able = [holder_id for holder_id in able if holder_id != wish.reader_id]
    if not able:
        raise TransitionError("NO_SECOND_PERSON")
    with recording(db) as record:
        db.refresh(volume, with_for_update=True)
        running = select(Ticket.ticket_id).where(Ticket.volume_id == volume.volume_id, Ticket.state.in_(RUNNING))
        if db.scalar(running.where(Ticket.basis != "returning").limit(1)) is not None:
            raise ConflictError("lent")
        ticket = Ticket(ticket_id=new_id(), number=next_number(db, "loan"), volume_id=volume.volume_id, state="asked")
        ticket.basis, ticket.mode, ticket.by_director = wish.basis, wish.mode, outside
        ticket.asker_id, ticket.reader_id = actor.holder_id, wish.reader_id or actor.holder_id
        ticket.asked_on = today(house_of(db).settings.time_zone)
        box = _make_box(db, actor, [*able, ticket.reader_id])
        ticket.box_id, ticket.consent = box.box_id, "waiting" if wish.basis == "consent" else "none"
        db.add(ticket)
        content = {key: value.hex if isinstance(value, UUID) else value for key, value in asdict(wish).items()}
        write_signed(db, box=box, kind=FORM, keyring=keys_of(db, actor), content={**content, "by": actor.name})
        if wish.basis == "consent" and wish.way:
            _ask_client(db, actor, ticket, case, box, wish)
        for holder_id in able:
            notify(db, reader_id=holder_id, kind="loan", object_id=ticket.ticket_id)
        record.by(actor, "archive:loan:asked", subject_id=_client(case), object_id=volume.volume_id, detail=wish.basis)
    return ticket


def _client(case: Case | None) -> UUID | None:
    return case.client_id if case is not None else None


def _problems(db: Session, wish: Wish, volume: Volume | None, case: Case | None) -> dict[str, str]:
    found = {name: "empty" for name in ("applicant", "purpose") if not getattr(wish, name).strip()}
    if volume is None:
        found["code"] = "no_such_volume"
    if wish.basis not in BASES[1:]:
        found["basis"] = "unknown"
    if wish.mode not in MODES or (wish.mode == "copy" and wish.basis != "own_request"):
        found["mode"] = "unknown"
    elif volume is not None and (volume.pages == 0 if wish.mode == "paper" else case is None):
        found["mode"] = "not_there"
    elif volume is not None and wish.mode == "paper" and is_lost(db, volume):
        found["mode"] = "lost_volume"
    if wish.mode != "paper" and (not wish.forms or not set(wish.forms) <= set(CHOICE)):
        found["forms"] = "no_forms"
    if wish.mode != "copy" and not may_read(db, case, wish.reader_id):
        found["reader"] = "no_reader"
    if wish.basis == "law" and not (wish.statute.strip() or (wish.paper_no.strip() and wish.paper_body.strip())):
        found["paper_no"] = "empty"
    if wish.basis == "own_request" and not wish.identity.strip():
        found["identity"] = "empty"
    if wish.way and wish.way not in WAYS:
        found["way"] = "unknown"
    if wish.way == "paper" and not wish.place.strip():
        found["place"] = "empty"
    long = (name for name, value in asdict(wish).items() if isinstance(value, str) and len(value) > LONGEST)
    return {**found, **dict.fromkeys(long, "too_long")}


def is_lost(db: Session, volume: Volume) -> bool:
    """Return whether a volume's paper was lost and has not been found again."""
    query = select(Ticket.ticket_id).where(Ticket.volume_id == volume.volume_id, Ticket.state == "lost")
    return db.scalar(query.limit(1)) is not None


def may_read(db: Session, case: Case | None, holder_id: UUID | None) -> bool:
    """Return whether somebody may be a volume's reader: a vouched counsellor, director or supervisor who is not kept away."""
    holder = holder_row(db, holder_id) if holder_id is not None else None
    account = db.scalar(select(Account).where(Account.holder_id == holder_id, Account.status == "active"))
    if holder is None or account is None or not set(READING) & set(roles_in(account)) & set(roles_of(db, holder)):
        return False
    return case is None or holder_id not in declared_against(db, case.client_id)


def readers_there(db: Session) -> list[UUID]:
    """Return the holders of everybody who may read, or sit beside whoever does."""
    staff = db.scalars(select(Account.holder_id).where(Account.kind == "staff", Account.holder_id.is_not(None)))
    return [holder_id for holder_id in staff if holder_id is not None and may_read(db, None, holder_id)]


def _make_box(db: Session, actor: SignedIn, others: list[UUID]) -> OpenBox:
    """Make the box of one line of the register."""
    keyring = keys_of(db, actor)
    readers = [group_reader(db, "archive", "register")]
    for holder_id in dict.fromkeys([keyring.holder_id, *others]):
        holder = holder_row(db, holder_id)
        assert holder is not None
        check_recipient(db, holder)
        readers.append(Reader(holder, "loan"))
    box = create_box(db, kind="ticket", readers=readers, granter=keyring)
    db.flush()
    return box


def _ask_client(db: Session, actor: SignedIn, ticket: Ticket, case: Case | None, box: OpenBox, wish: Wish) -> None:
    """Take the client's yes down as it was given, or ask for it on the own page."""
    keyring, proven = keys_of(db, actor), None
    with suppress(UnreadableError):  # the archive opens no card: then the yes is taken down on paper
        proven = proven_client(db, keyring, case.client_id) if case is not None else None
    if proven is not None:  # whatever way the yes was given, the person sees it and can take it back
        add_reader(db, box, reader=Reader(proven[0], "client"), granter=keyring, link=proven[1])
        notify(db, reader_id=proven[0].holder_id, kind="form_waits", object_id=ticket.ticket_id)
    if wish.way != "own":
        take_down(db, ticket, box, keyring, {"way": wish.way, "place": wish.place, "agreed": True, "by": actor.name})
    elif proven is None:
        raise InvalidError(way="no_own_page")


def take_down(db: Session, ticket: Ticket, box: OpenBox, keyring: Keyring, said: Mapping[str, Any]) -> None:
    """Add what a client said to a loan to its line of the register, inside the caller's transaction."""
    number = 1 + newest_number(db, box.box_id, CONSENT)
    write_signed(db, box=box, kind=CONSENT, keyring=keyring, content=dict(said), number=number)
    ticket.consent = "given" if said["agreed"] else "withdrawn"


def loan_facts(db: Session, ticket: Ticket | None) -> Facts | None:
    """Return what the rules may know about one line of the register."""
    if ticket is None or ticket.box_id is None:
        return None
    volume = db.get_one(Volume, ticket.volume_id)
    client_id = _client(case_at(db, volume.case_id))
    asker = db.scalar(select(Account.account_id).where(Account.holder_id == ticket.asker_id, Account.kind == "staff"))
    day = local(not_before(db), house_of(db).settings.time_zone).date()
    open_now = ticket.state == "open" and ticket.until_on is not None and ticket.until_on >= day
    return Facts(
        client_id=client_id,
        state="submitted" if ticket.state == "asked" else ticket.state,
        requester_id=asker,
        by_director=ticket.by_director,
        sender_id=ticket.reader_id,
        recipient_id=ticket.reader_id if open_now and ticket.reading_box_id is not None else None,
        asked=frozenset(db.scalars(select(Grant.holder_id).where(Grant.box_id == ticket.box_id, Grant.purpose == "loan"))),
        agreed=ticket.consent in ("none", "given"),
        barred=barred_now(db, client_id),
    )


def find_loan(db: Session, *, actor: SignedIn, ticket_id: UUID | None, permission: Permission) -> Ticket:
    """Return one line of the register that the actor may use in this way, or refuse as if it were absent."""
    ticket = db.get(Ticket, ticket_id) if ticket_id is not None else None
    require(db, actor, permission, loan_facts(db, ticket), object_id=ticket_id)
    assert ticket is not None
    return ticket


def read_line(db: Session, *, actor: SignedIn, ticket: Ticket) -> dict[str, Any]:
    """Open what one line of the register says: the form, the verdict, the client's newest word, what came back.

    The caller has passed the gate.

    Records: ``archive:loan:read``.
    """
    assert ticket.box_id is not None
    volume = db.get_one(Volume, ticket.volume_id)
    with recording(db) as record:
        box = open_box(db, keys_of(db, actor), ticket.box_id)
        said = {item.kind: open_bodies(db, box=box, item=item)[0] for item in _in_order(db, ticket)}
        record.by(actor, "archive:loan:read", object_id=volume.volume_id)
    return said


def _in_order(db: Session, ticket: Ticket) -> list[Any]:
    assert ticket.box_id is not None
    return sorted(items_in(db, [ticket.box_id]), key=lambda item: item.number)


def consent_stands(db: Session, *, actor: SignedIn, ticket: Ticket) -> bool:
    """Return whether the client's newest word, as it lies sealed, is a yes; where none is asked for it always stands."""
    if ticket.basis != "consent":
        return True
    return bool(read_line(db, actor=actor, ticket=ticket).get(CONSENT, {}).get("agreed")) and ticket.consent == "given"


def decide_loan(db: Session, *, actor: SignedIn, ticket: Ticket, verdict: Verdict) -> None:
    """Say yes or no to a loan, once; by law with the legal opinion.

    :raises InvalidError: a no without a reason, a yes by law without an opinion; :raises ConflictError: somebody was faster.

    Records: ``archive:loan:approved`` or ``:refused``. Rule: 篇4 三; 篇8 六; R8-09.
    """
    require(db, actor, Permission.LOAN_DECIDE, loan_facts(db, ticket), object_id=ticket.ticket_id)
    check_verdict(verdict, ticket.basis == "law")
    assert ticket.box_id is not None
    day = today(house_of(db).settings.time_zone)
    with recording(db) as record:
        db.refresh(ticket, with_for_update=True)
        if ticket.state != "asked":
            raise ConflictError("task_ended")
        box = open_to_add(db, keys_of(db, actor), ticket.box_id)
        content = {**asdict(verdict), "by": actor.name}
        write_signed(db, box=box, kind=VERDICT, keyring=keys_of(db, actor), content=content)
        ticket.state, ticket.decider_id, ticket.decided_on = "approved" if verdict.agreed else "refused", actor.holder_id, day
        ticket.returned_on = None if verdict.agreed else day
        for holder_id in {ticket.asker_id, *(holders_in(db, Role.ARCHIVIST) if verdict.agreed else ())}:
            notify(db, reader_id=holder_id, kind="loan", object_id=ticket.ticket_id)
        record.by(actor, f"archive:loan:{ticket.state}", object_id=ticket.volume_id)
