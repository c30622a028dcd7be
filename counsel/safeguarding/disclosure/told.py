"""What was told to whom, for the client: every package exactly as its recipient had it, at once or from the recorded day on.

Also what follows later: a client who could not be told yet, or has new keys, is granted the packages at the next unlock of
whoever sent them or counsels now; packages that nothing stands behind any more are taken back (domain §3.5).
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.limits import LimitCode
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.telling import To
from counsel.core.clock import now, today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, RefusedError, TamperError, UnreadableError
from counsel.keys.boxes import grant_anew
from counsel.keys.boxes import open_box as open_one
from counsel.keys.grants import Reader
from counsel.keys.many import open_boxes
from counsel.keys.models import Grant
from counsel.keys.trust import holder_row
from counsel.outbox.notices import notify
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import case_at
from counsel.people.cards import proven_client
from counsel.people.exclusions import excluded_for
from counsel.people.staff import staff_name
from counsel.records.services import item_of, open_bodies
from counsel.safeguarding.disclosure.checking import card_and_guardians, known_for
from counsel.safeguarding.disclosure.counting import count_as_told
from counsel.safeguarding.disclosure.draft import SPOKEN, Content, is_listed
from counsel.safeguarding.disclosure.found import disclosure_facts, open_form
from counsel.safeguarding.disclosure.models import Disclosure, Package
from counsel.safeguarding.disclosure.receiving import receipts_of
from counsel.safeguarding.disclosure.sending import FACTS, SENT, TOLD, close_package
from counsel.tasks.models import Task


@dataclass(frozen=True)
class ToldOthers:
    """One package as the client sees it. `told` is empty when it does not open for keys that are new since."""

    on_day: date
    by: str
    package: Package
    told: Content
    facts: Content
    receipts: tuple[Content, ...]


def told_about_me(db: Session, *, actor: SignedIn) -> list[ToldOthers]:
    """Open everything that was told to others about the client, the newest first.

    Records: ``safeguarding:told:read``. Rule: 篇4 一五; PIPL 44.
    """
    require(db, actor, Permission.FILE_SIGHT, Facts(client_id=actor.client_id))
    query = select(Disclosure, Package).join(Package, Package.disclosure_id == Disclosure.disclosure_id)
    mine = query.where(Disclosure.client_id == actor.client_id, Disclosure.told_on.is_not(None))
    with recording(db) as record:
        rows = db.execute(mine.order_by(Disclosure.number.desc(), Package.number)).all()
        found = [_opened(db, actor, row, package) for row, package in rows]
        record.by(actor, "safeguarding:told:read", subject_id=actor.client_id, detail=str(len(found)))
    return found


def _opened(db: Session, actor: SignedIn, row: Disclosure, package: Package) -> ToldOthers:
    by = staff_name(db, row.sender_id)
    try:
        told = package_text(db, actor=actor, box_id=package.box_id, kind=TOLD)
        facts = package_text(db, actor=actor, box_id=package.facts_box_id, kind=FACTS)
        receipts = tuple(receipts_of(db, keyring=keys_of(db, actor), package=package))
    except UnreadableError:
        return ToldOthers(row.on_day, by, package, {}, {}, ())
    return ToldOthers(row.on_day, by, package, told, facts, receipts)


def package_text(db: Session, *, actor: SignedIn, box_id: UUID | None, kind: str) -> Content:
    """Open what a package says, for whoever may open it; empty for a part it does not have. The caller has the audit line."""
    item = item_of(db, box_id, kind) if box_id is not None else None
    if item is None:
        return {}
    return open_bodies(db, box=open_one(db, keys_of(db, actor), item.box_id), item=item)[0]


def packages_of(db: Session, row: Disclosure) -> list[Package]:
    """Return the packages of a disclosure in order; nothing is opened."""
    return list(db.scalars(select(Package).where(Package.disclosure_id == row.disclosure_id).order_by(Package.number)))


def tell_client(db: Session, *, actor: SignedIn, row: Disclosure) -> bool:
    """Grant a client everything that was told, now; return whether there are keys to grant it to.

    Records: ``safeguarding:client:told``.
    """
    require(db, actor, Permission.DISCLOSURE_READ, disclosure_facts(db, row), object_id=row.disclosure_id)
    keyring = keys_of(db, actor)
    with recording(db) as record:
        db.refresh(row, with_for_update=True)
        proven = proven_client(db, keyring, row.client_id)
        if row.state != "sent" or proven is None:
            return False
        for package in packages_of(db, row):
            for box_id in (package.box_id, package.facts_box_id):
                if box_id is not None and not _granted(db, box_id, row.client_id, proven[0].version):
                    box = open_one(db, keyring, box_id)
                    grant_anew(db, box, reader=Reader(proven[0], "client"), granter=keyring, link=proven[1])
        row.told_on = row.told_on or today(house_of(db).settings.time_zone)
        notify(db, reader_id=row.client_id, kind="told", object_id=row.disclosure_id)
        record.by(actor, "safeguarding:client:told", subject_id=row.client_id, object_id=row.disclosure_id)
    return True


def _granted(db: Session, box_id: UUID, holder_id: UUID, version: int) -> bool:
    query = select(Grant.grant_id).where(Grant.box_id == box_id, Grant.holder_id == holder_id)
    return db.scalar(query.where(Grant.holder_version == version)) is not None


def _mine(db: Session, actor: SignedIn) -> list[Disclosure]:
    """Return the sent disclosures of which the actor is sender or counsels the client now."""
    cases = select(Case.case_id).where(Case.counsellor_id == actor.holder_id)
    query = select(Disclosure).where(Disclosure.state == "sent")
    own = or_(Disclosure.sender_id == actor.holder_id, Disclosure.case_id.in_(cases))
    rows = db.scalars(query.where(own).order_by(Disclosure.number)).all()
    opened = open_boxes(db, keys_of(db, actor), [row.box_id for row in rows])
    return [row for row in rows if row.box_id in opened]


def tell_what_is_due(db: Session, *, actor: SignedIn) -> int:
    """Tell the clients whose day has come, and grant anew to those with new keys; return how many. At an unlock."""
    day, count = today(house_of(db).settings.time_zone), 0
    for row in _mine(db, actor):
        due = row.told_on is None and (row.tell_on is None or row.tell_on <= day)
        if due or (row.told_on is not None and _new_keys(db, row)):
            count += _told(db, actor, row)
    return count


def _told(db: Session, actor: SignedIn, row: Disclosure) -> bool:
    """Tell one client; packages without a key for the actor wait for whoever sent them and stop no other."""
    try:
        return tell_client(db, actor=actor, row=row)
    except TamperError:
        raise
    except UnreadableError:
        return False


def _new_keys(db: Session, row: Disclosure) -> bool:
    newest, packages = holder_row(db, row.client_id), packages_of(db, row)
    return newest is not None and bool(packages) and not _granted(db, packages[0].box_id, row.client_id, newest.version)


def count_what_arrived(db: Session, *, actor: SignedIn) -> None:
    """Let packages that were opened since end the clocks of guardian and leader in the own cases. At an unlock.

    Records: ``pathway:told:signed`` for each that counts.
    """
    waiting = select(Task.object_id).where(Task.kind == "inform", Task.ended_on.is_(None))
    own = set(db.scalars(select(Case.case_id).where(Case.counsellor_id == actor.holder_id, Case.case_id.in_(waiting))))
    for row in _mine(db, actor) if own else []:
        arrived = [one for one in packages_of(db, row) if one.way == SPOKEN or one.opened_on is not None]
        if row.case_id in own and arrived:
            with suppress(UnreadableError, RefusedError, ConflictError, KeyError):  # one that is spoilt holds up no page
                content = open_form(db, actor=actor, row=row)
                at = datetime.fromisoformat(package_text(db, actor=actor, box_id=row.box_id, kind=SENT)["at"])
                count_as_told(db, actor=actor, row=row, content=content, packages=arrived, sent_at=at)


def take_back_what_fell(db: Session, *, actor: SignedIn) -> list[Package]:
    """Take back packages that may still be read though nothing stands behind them any more, and return them.

    A release the client no longer stands by; somebody who is suspected since; a guardian whom the roll no longer lists. At
    an unlock, for one's own disclosures.

    Records: ``safeguarding:package:revoked`` for each.
    """
    taken: list[Package] = []
    live = select(Package.disclosure_id).where(Package.until > now(), Package.revoked_on.is_(None), Package.way != "spoken")
    ids = set(db.scalars(live))
    for row in _mine(db, actor):
        if row.disclosure_id in ids:
            with suppress(UnreadableError, RefusedError, ConflictError):
                taken += _take_back(db, actor, row)
    return taken


def _take_back(db: Session, actor: SignedIn, row: Disclosure) -> list[Package]:
    content = open_form(db, actor=actor, row=row)
    excluded = excluded_for(db, actor=actor, client_id=row.client_id)
    _client, guardians = card_and_guardians(db, actor, row)
    fell = content["code"] == LimitCode.EX5 and not _still_released(db, actor, row, content)
    taken = []
    with recording(db) as record:
        for package in packages_of(db, row):
            to: dict[str, Any] = content["recipients"][package.number - 1]
            meant = any(person.is_meant(to["name"], to.get("holder", "")) for person in excluded)
            listed = bool(to.get("listed")) and to["kind"] == To.GUARDIAN and guardians is not None
            gone = listed and not is_listed(to["name"], guardians or ())
            if (fell or meant or gone) and package.revoked_on is None:
                close_package(db, package)
                record.by(actor, "safeguarding:package:revoked", subject_id=row.client_id, object_id=package.package_id)
                taken.append(package)
    return taken


def _still_released(db: Session, actor: SignedIn, row: Disclosure, content: Content) -> bool:
    """Return whether the client stands by a release; whoever counsels no more cannot see it, and takes nothing back."""
    case = case_at(db, row.case_id)
    if case is None or case.counsellor_id != actor.holder_id or case.is_filed:
        return True
    return known_for(db, actor=actor, row=row, content=content, level=int(content["level"])).release is not None
