"""Send what may leave: a box of its own for each recipient, instructions until their end, facts once; take it back again.

Whoever has an account is granted the boxes by name. Others get a code by telephone, which with the last digits of the
number that was rung opens the keys of a holder made for this one package. The client is granted every package, at once or,
for a recorded reason of safety, from a day on.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.handed import seal_under_code
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.limits import LimitCode
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.telling import Approval, To
from counsel.core.clock import now, today, working_days_after
from counsel.core.database import house_of, writing
from counsel.core.errors import ConflictError, InvalidError, UnreadableError
from counsel.core.ids import new_id
from counsel.crypto.codes import new_code
from counsel.keys.boxes import OpenBox, adopt, create_box, revoke
from counsel.keys.bundle import Keyring
from counsel.keys.grants import Reader
from counsel.keys.models import Grant
from counsel.keys.rotation import open_for_writing, open_to_add
from counsel.keys.trust import check_recipient, holder_row
from counsel.outbox.notices import notify
from counsel.pathway.cases.services import case_at
from counsel.people.cards import ClientCard, proven_client
from counsel.records.services import write_signed
from counsel.safeguarding.disclosure.checking import known_for, level_now, shown_client
from counsel.safeguarding.disclosure.counting import count_as_told
from counsel.safeguarding.disclosure.draft import (
    CODE,
    NOT_FIRST,
    PAGE,
    Content,
    approval_of,
    day_of,
    end_of,
    last_digits,
    lines_for,
    problems_of,
)
from counsel.safeguarding.disclosure.found import counsellor_beside, disclosure_facts, read_form, stamp
from counsel.safeguarding.disclosure.models import Disclosure, Package
from counsel.safeguarding.disclosure.reviewing import ask_for_review
from counsel.tasks.services import end_tasks

UNSENT = ("draft", "submitted", "approved")
TOLD, FACTS, SENT, COPY = "told", "facts", "sent", "package"
JUST_NAME = (To.RELATED,)


@dataclass(frozen=True)
class Sent:
    """One package as its sender sees it right after sending: the code is shown this once."""

    package: Package
    name: str
    code: str = ""


def shown_name(card: ClientCard, to: str) -> str:
    """Return how a recipient is told whom it concerns: with the class, or just by name (domain §3.4)."""
    return card.name if to in JUST_NAME else f"{card.class_name} {card.name}".strip()


def told_to(content: Content, recipient: Mapping[str, Any], card: ClientCard) -> tuple[Content, Content]:
    """Return exactly what one recipient is shown, as preview and package hold it: (instructions, facts)."""
    level = int(content["level"])
    lines, facts = lines_for(content, recipient, shown_name(card, recipient["kind"]), level)
    head = {"to": recipient["name"], "kind": recipient["kind"], "code": content["code"], "hours": recipient["hours"]}
    head["print"] = bool(recipient.get("print"))
    return {**head, "lines": lines}, {**head, "lines": facts}


def send(db: Session, *, actor: SignedIn, row: Disclosure) -> list[Sent]:
    """Let an approved disclosure leave and return its packages, codes included.

    Checked again before: a recipient without keys, a release withdrawn, or somebody suspected since stops it.

    :raises InvalidError: as `submit`; :raises ConflictError: it was sent, withdrawn or never approved, or ``level_fell``: what
        asked nobody at level 4 asks for a yes now.

    Records: ``safeguarding:disclosure:sent`` and ``safeguarding:package:sent`` for each. Rule: 篇4 五; R4-18, R4-19.
    """
    require(db, actor, Permission.DISCLOSURE_SEND, disclosure_facts(db, row), object_id=row.disclosure_id)
    content = read_form(db, actor=actor, row=row)
    problems = problems_of(content, known_for(db, actor=actor, row=row, content=content, level=int(content["level"])))
    if problems:
        raise InvalidError(**problems)
    keyring = keys_of(db, actor)
    with recording(db) as record:
        db.refresh(row, with_for_update=True)
        if row.state != "approved":
            raise ConflictError("faster")
        _check_level(db, actor, row, content)
        client = _client_reader(db, keyring, row, content)
        case = case_at(db, row.case_id)
        others = ([client[0]] if client is not None else []) + counsellor_beside(db, case, actor=actor)
        card = shown_client(db, actor, row, content)
        make = partial(_pack, db, keyring=keyring, row=row, content=content, card=card, others=others)
        packed = [make(number=number, to=to) for number, to in enumerate(content["recipients"], start=1)]
        for one in packed:
            record.by(actor, "safeguarding:package:sent", subject_id=row.client_id, object_id=one.package.package_id)
        _after_sending(db, actor, row, content, client is not None)
        record.by(
            actor, "safeguarding:disclosure:sent", subject_id=row.client_id, object_id=row.disclosure_id, detail=content["code"]
        )
    sent = [one.package for one in packed]
    with suppress(UnreadableError, ConflictError, InvalidError):  # it has left; the next look at the landing page counts it
        count_as_told(db, actor=actor, row=row, content=content, packages=sent, sent_at=now().replace(microsecond=0))
    return packed


def _check_level(db: Session, actor: SignedIn, row: Disclosure, content: Content) -> None:
    level = level_now(db, actor=actor, row=row, stated=int(content["level"]))
    if row.decider_id is None and approval_of(content, level) not in (Approval.NOBODY, Approval.CLIENT):
        raise ConflictError("level_fell")


def _client_reader(db: Session, keyring: Keyring, row: Disclosure, content: Content) -> tuple[Reader, bytes] | None:
    """Return the client as a reader, unless a recorded reason has them told later, or there are no keys that are theirs."""
    if content.get("informed") == NOT_FIRST and content["code"] != LimitCode.EX5:
        row.tell_on = day_of(content["tell_on"])
        return None
    with suppress(UnreadableError):  # a card that does not open proves no keys; the client is told at a later unlock
        proven = proven_client(db, keyring, row.client_id)
        return (Reader(proven[0], "client"), proven[1]) if proven is not None else None
    return None


def _pack(
    db: Session,
    *,
    keyring: Keyring,
    row: Disclosure,
    content: Content,
    card: ClientCard,
    others: list[Reader],
    number: int,
    to: Mapping[str, Any],
) -> Sent:
    until = end_of(to)
    told, facts = told_to(content, to, card)
    package = Package(package_id=new_id(), disclosure_id=row.disclosure_id, number=number, way=to["way"], until=until)
    reader, code = _recipient(db, package, to, until)
    package.recipient_id = reader.holder.holder_id if reader is not None else None
    box = _package_box(db, keyring, row, reader, others)
    write_signed(db, box=box, kind=TOLD, keyring=keyring, content=told)
    package.box_id = box.box_id
    if facts["lines"]:
        once = _package_box(db, keyring, row, reader, others)
        write_signed(db, box=once, kind=FACTS, keyring=keyring, content=facts)
        package.facts_box_id = once.box_id
    db.add(package)
    if to["way"] == PAGE:
        notify(db, reader_id=package.recipient_id, kind="package", object_id=package.package_id)
    db.flush()
    return Sent(package, to["name"], code)


def _recipient(db: Session, package: Package, to: Mapping[str, Any], until: datetime) -> tuple[Reader | None, str]:
    """Return who may open a package, with keys that were checked, and the code, if one is needed."""
    if to["way"] == PAGE:
        holder = holder_row(db, UUID(to["holder"]))
        assert holder is not None
        check_recipient(db, holder)
        return Reader(holder, "told", until), ""
    if to["way"] != CODE:
        return None, ""
    code = new_code()
    digits = last_digits(to["phone"])
    holder = seal_under_code(db, package, package.package_id, COPY, code=code, digits=digits)
    return Reader(holder, "told", until), code


def _package_box(db: Session, keyring: Keyring, row: Disclosure, reader: Reader | None, others: list[Reader]) -> OpenBox:
    """Make a box for one recipient, the sender and `others`; it opens through the case as well, when there is one."""
    me = holder_row(db, keyring.holder_id, keyring.version)
    assert me is not None
    readers = [Reader(me, "sender")] + ([reader] if reader is not None else []) + others
    case = case_at(db, row.case_id)
    box = create_box(db, kind="package", readers=readers, granter=keyring)
    db.flush()
    if case is not None and case.counsellor_id == keyring.holder_id and not case.is_filed:
        adopt(db, child=box, parent=open_for_writing(db, keyring, case.box_id), keep=[one.holder.holder_id for one in readers])
    return box


def _after_sending(db: Session, actor: SignedIn, row: Disclosure, content: Content, told: bool) -> None:
    keyring, day = keys_of(db, actor), today(house_of(db).settings.time_zone)
    box = open_to_add(db, keyring, row.box_id)
    write_signed(db, box=box, kind=SENT, keyring=keyring, content={"at": stamp(), "by": actor.name})
    row.state, row.told_on = "sent", day if told else None
    row.review_due_on = working_days_after(day, house_of(db).settings.review_workdays)
    end_tasks(db, object_id=row.disclosure_id, kind="report", outcome="recorded")
    ask_for_review(db, actor=actor, row=row, box=box)
    if told:
        notify(db, reader_id=row.client_id, kind="told", object_id=row.disclosure_id)


def revoke_package(db: Session, *, actor: SignedIn, package_id: UUID | None) -> Package:
    """Take a package back at once; needs no key. What was read before stays read, and on record.

    Records: ``safeguarding:package:revoked``. Rule: R4-19.
    """
    package = db.get(Package, package_id) if package_id is not None else None
    row = db.get(Disclosure, package.disclosure_id) if package is not None else None
    require(db, actor, Permission.DISCLOSURE_REVOKE, disclosure_facts(db, row), object_id=package_id)
    assert package is not None and row is not None
    with recording(db) as record:
        db.refresh(package, with_for_update=True)
        close_package(db, package)
        record.by(actor, "safeguarding:package:revoked", subject_id=row.client_id, object_id=package.package_id)
    return package


def close_package(db: Session, package: Package) -> None:
    """Take the recipient's keys to a package, inside the caller's transaction."""
    if package.recipient_id is not None:
        for box_id in (package.box_id, package.facts_box_id):
            if box_id is not None:
                revoke(db, box_id, package.recipient_id)
    package.code_finder = package.code_sealed = None
    package.revoked_on = package.revoked_on or today(house_of(db).settings.time_zone)


def forget_expired_packages(db: Session) -> str:
    """Delete the keys of packages whose end has come, which holds without it, and withdraw what leavers never sent.

    Records: ``safeguarding:disclosure:withdrawn`` for each of those.
    """
    over = select(Package.box_id).where(Package.until <= now()).union(select(Package.facts_box_id).where(Package.until <= now()))
    left = _withdraw_left(db)
    with writing(db):
        gone = db.execute(delete(Grant).where(Grant.purpose == "told", Grant.box_id.in_(over))).rowcount  # type: ignore[attr-defined]
        db.execute(update(Package).where(Package.until <= now()).values(code_finder=None, code_sealed=None))
    return f"{gone} keys, {left} withdrawn"


def _withdraw_left(db: Session) -> int:
    """Withdraw what somebody who works here no longer never sent: its tasks hold up nobody's case."""
    here = select(Account.holder_id).where(Account.status == "active", Account.holder_id.is_not(None))
    unsent = select(Disclosure).where(Disclosure.state.in_(UNSENT), Disclosure.sender_id.not_in(here))
    count = 0
    for row in db.scalars(unsent).all():
        with recording(db) as record:
            db.refresh(row, with_for_update=True)
            if row.state in UNSENT:
                withdraw_row(db, row)
                record.line("safeguarding:disclosure:withdrawn", subject_id=row.client_id, object_id=row.disclosure_id)
                count += 1
    return count


def withdraw_row(db: Session, row: Disclosure) -> None:
    """Give up a disclosure that has not left, inside the caller's transaction; its number stays taken."""
    row.state = "withdrawn"
    end_tasks(db, object_id=row.disclosure_id, kind="report", outcome="withdrawn")
    end_tasks(db, object_id=row.disclosure_id, kind="approve", outcome="declined")
