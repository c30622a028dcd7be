"""Post, withdraw, lease and settle messages. Posting rides in the caller's transaction: both are kept, or neither."""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from counsel.audit.chain import recording
from counsel.core.clock import now
from counsel.core.database import House, house_of, writing
from counsel.core.errors import InvalidError, UnreadableError
from counsel.core.ids import new_id
from counsel.crypto.blob import Kind, seal, unseal
from counsel.crypto.context import Context
from counsel.crypto.derive import mac, subkey
from counsel.outbox.models import CHANNELS, Message
from counsel.outbox.senders import SendError, send
from counsel.outbox.texts import TEXTS, words_of

MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,6}")
GATEWAY = re.compile(r"[A-Za-z0-9+_.-]{4,64}")
LEASE = timedelta(minutes=10)
PAUSES = (1, 5, 15, 60, 180, 480, 1440)  # minutes before the next try; after the last one the message is dead
AT_ONCE, KEPT_DAYS = 20, 30


@dataclass(frozen=True)
class Address:
    """Where somebody wishes to be told, and in which language."""

    channel: str
    address: str
    language: str


def checked(channel: str, address: str, language: str) -> Address:
    """Return an address that can be sent to; no line break or list can ride in it.

    :raises InvalidError: an unknown channel, or no address of that channel.
    """
    if channel not in CHANNELS:
        raise InvalidError(channel="unknown")
    pattern = MAIL if channel == "mail" else GATEWAY
    if not pattern.fullmatch(address.strip()):
        raise InvalidError(address="mail_address" if channel == "mail" else "gateway_address")
    return Address(channel, address.strip(), language)


def once_for(db: Session, purpose: str, *ids: UUID) -> bytes:
    """Return the mark by which one message for one purpose is posted once; without the server secret it says nothing."""
    return mac(subkey(house_of(db).secret, "outbox-once"), purpose.encode(), *(value.bytes for value in ids))


def post(
    db: Session, *, to: Address, text: str, once: bytes, due_at: datetime | None = None, not_after: datetime | None = None
) -> bool:
    """Put a message in the outbox inside the caller's transaction; return whether it is new.

    :param once: from `once_for`; a message with the same mark is not posted again, sent or not.
    """
    assert db.info.get("writing") and text in TEXTS
    if db.scalar(select(Message.message_id).where(Message.once == once)) is not None:
        return False
    message = Message(message_id=new_id(), once=once, channel=to.channel, text=text, language=to.language)
    message.address_sealed = seal_address(house_of(db), message.message_id, to)
    message.due_at, message.not_after = due_at or now(), not_after
    db.add(message)
    db.flush()
    return True


def waiting_under(db: Session, once: bytes) -> Message | None:
    """Return what is not sent under a mark, waiting or dead; nothing while it is being handed over."""
    unsent = select(Message).where(Message.once == once, Message.state != "sent")
    return db.scalar(unsent.where(or_(Message.leased_until.is_(None), Message.leased_until < now())))


def withdraw(db: Session, once: bytes) -> Address | None:
    """Take back what is not sent under a mark, inside the caller's transaction; return where it would have gone."""
    message = waiting_under(db, once)
    if message is None:
        return None
    sealed, message_id = message.address_sealed, message.message_id
    db.delete(message)
    db.flush()
    try:
        return open_address(house_of(db), message_id, sealed or b"")
    except UnreadableError:
        return None


def withdraw_to(db: Session, to: Address) -> None:
    """Take back everything that is not sent to an address, inside the caller's transaction."""
    for message in db.scalars(select(Message).where(Message.address_sealed.is_not(None))).all():
        try:
            same = open_address(house_of(db), message.message_id, message.address_sealed or b"")
        except UnreadableError:
            continue
        if (same.channel, same.address) == (to.channel, to.address):
            db.delete(message)


def seal_address(house: House, row_id: UUID, to: Address) -> bytes:
    """Seal an address under the server secret for one row."""
    plain = json.dumps([to.channel, to.address, to.language]).encode()
    return seal(subkey(house.secret, "outbox"), plain, Kind.HOUSE, _context(house, row_id))


def open_address(house: House, row_id: UUID, sealed: bytes) -> Address:
    """Open an address.

    :raises UnreadableError: moved from another row, or altered.
    """
    return Address(*json.loads(unseal(subkey(house.secret, "outbox"), sealed, Kind.HOUSE, _context(house, row_id))))


def _context(house: House, row_id: UUID) -> bytes:
    return Context("address", house.installation, "outbox", item=row_id).encode()


def deliver(db: Session) -> str:
    """Send what is due. Safe beside itself: each message is leased to one run at a time, whose crash gives it back.

    Records: ``outbox:message:sent`` or ``:dead`` for each, without address.
    """
    counts = {"sent": 0, "later": 0, "dead": 0}
    _forget_old(db)
    while leased := _lease(db):
        for message_id, lease_id in leased:
            counts[_send_one(db, message_id, lease_id)] += 1
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def _lease(db: Session) -> list[tuple[UUID, UUID]]:
    lease_id, moment = new_id(), now()
    free = or_(Message.leased_until.is_(None), Message.leased_until < moment)
    due = select(Message).where(Message.state == "waiting", Message.due_at <= moment, free).order_by(Message.due_at)
    with writing(db):
        rows = db.scalars(due.limit(AT_ONCE).with_for_update(skip_locked=True)).all()
        for row in rows:
            row.lease_id, row.leased_until = lease_id, moment + LEASE
    return [(row.message_id, lease_id) for row in rows]


def _send_one(db: Session, message_id: UUID, lease_id: UUID) -> str:
    house, message = house_of(db), db.get(Message, message_id, populate_existing=True)
    if message is None or message.lease_id != lease_id or message.address_sealed is None:
        return "later"
    sealed, text, problem = message.address_sealed, message.text, None
    db.rollback()  # nothing is locked while a slow server is spoken to
    try:
        to = open_address(house, message_id, sealed)
        send(house.settings, to.channel, message_id, to.address, words_of(house.settings, text, to.language))
    except UnreadableError:
        problem = SendError("address", final=True)
    except SendError as error:
        problem = error
    return _settle(db, message_id, lease_id, problem)


def _settle(db: Session, message_id: UUID, lease_id: UUID, problem: SendError | None) -> str:
    with recording(db) as record:
        message = db.get(Message, message_id, with_for_update=True, populate_existing=True)
        if message is None or message.lease_id != lease_id:  # taken back meanwhile
            return "later"
        message.tries, message.lease_id, message.leased_until = message.tries + 1, None, None
        message.problem = problem.code if problem else None
        state = "sent" if problem is None else "dead" if problem.final or message.tries > len(PAUSES) else "later"
        if state == "later":
            message.due_at = now() + timedelta(minutes=PAUSES[message.tries - 1])
            return state
        message.state, message.ended_on = state, now().date()
        if state == "sent":
            message.address_sealed = None
        record.line(f"outbox:message:{state}", object_id=message_id, detail=f"{message.channel} {message.text}")
    return state


def _forget_old(db: Session) -> None:
    """Delete what is of no use any more and what ended long ago; a dead message keeps its address until then."""
    with writing(db):
        db.execute(delete(Message).where(Message.not_after <= now(), Message.state != "sent"))
        db.execute(delete(Message).where(Message.ended_on < now().date() - timedelta(days=KEPT_DAYS)))


@dataclass(frozen=True)
class Standing:
    """How the outbox stands, for the health page: counts, and how many are dead by reason."""

    waiting: int
    late: int
    dead: tuple[tuple[str, str, int], ...]


def standing(db: Session) -> Standing:
    """Return how many wait, how many of them have failed before, and the dead ones as (channel, problem, count)."""
    waiting = select(func.count()).where(Message.state == "waiting")
    dead = select(Message.channel, Message.problem, func.count()).where(Message.state == "dead")
    rows = db.execute(dead.group_by(Message.channel, Message.problem).order_by(Message.channel)).all()
    found = tuple((channel, problem or "", count) for channel, problem, count in rows)
    return Standing(db.scalar(waiting) or 0, db.scalar(waiting.where(Message.tries > 0)) or 0, found)


def try_dead_again(db: Session) -> int:
    """Let every dead message wait anew, from the first pause on; return how many. The caller has passed the gate."""
    again = {"state": "waiting", "tries": 0, "problem": None, "ended_on": None, "due_at": now()}
    with writing(db):
        return db.execute(update(Message).where(Message.state == "dead").values(**again)).rowcount  # type: ignore[attr-defined]
