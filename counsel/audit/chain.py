"""Append to the chain, verify it, sign its head and keep signed heads in a second place."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from counsel.audit.looking import draw
from counsel.audit.models import AuditHead, AuditLine
from counsel.core.clock import now
from counsel.core.database import House, house_of, writing
from counsel.core.errors import RefusedError, TamperError
from counsel.core.rows import Change, Prepared
from counsel.crypto.derive import digest, subkey
from counsel.crypto.signatures import public_of, sign, verifies

BATCH = 1000
CHAINED = ("seq", "at", "day", "tag", "actor_role", "actor_id", "subject_id", "object_id", "detail")
THE_HEAD = select(AuditHead.seq, AuditHead.chain).where(AuditHead.head_id == 1)  # no other row counts
HEAD, HEAD_TO_MOVE = Prepared(THE_HEAD), Prepared(THE_HEAD.with_for_update())
NEW: dict[str, Any] = {"seq": bindparam("new_seq"), "chain": bindparam("new_chain")}
MOVE_HEAD = Change(update(AuditHead).where(AuditHead.head_id == 1).values(**NEW))
FIRST_HEAD = Change(insert(AuditHead).values(head_id=1, **NEW))
ADD_LINE = Change(insert(AuditLine))


@dataclass(frozen=True)
class Entry:
    """One line before it has its place in the chain."""

    tag: str
    actor_role: str
    actor_id: UUID | None
    subject_id: UUID | None
    object_id: UUID | None
    detail: str
    exact: bool


class Acting(Protocol):
    """What the chain wants to know of whoever acts."""

    @property
    def role(self) -> str:
        """The role acted in."""

    @property
    def holder_id(self) -> UUID | None:
        """The holder, or the client, if there are keys."""


@dataclass
class Recorder:
    """Collects the lines of one transaction; they are appended just before it commits."""

    entries: list[Entry] = field(default_factory=list)

    def by(
        self, actor: Acting, tag: str, *, subject_id: UUID | None = None, object_id: UUID | None = None, detail: str = ""
    ) -> None:
        """Note one event that somebody signed in has brought about, as `line` does."""
        self.line(tag, role=actor.role, actor_id=actor.holder_id, subject_id=subject_id, object_id=object_id, detail=detail)

    def line(
        self,
        tag: str,
        *,
        role: str = "system",
        actor_id: UUID | None = None,
        subject_id: UUID | None = None,
        object_id: UUID | None = None,
        detail: str = "",
    ) -> None:
        """Note one event.

        :param tag: ``source:subject:action``.
        :param subject_id: the `client_id` it is about, if any.
        :param detail: codes only, never anybody's words.
        """
        client_act = role in ("student", "guardian", "somebody")
        self.entries.append(Entry(tag, role, actor_id, subject_id, object_id, detail, exact=not client_act))


@contextmanager
def recording(db: Session) -> Iterator[Recorder]:
    """Run a write transaction whose lines are appended last, once, whatever services ran inside.

    When somebody is refused inside, nothing else is kept, but the refusal stands on record (R4-09).
    """
    outer: Recorder | None = db.info.get("recorder")
    if outer is not None:
        yield outer
        return
    recorder = Recorder()
    db.info["recorder"] = recorder
    try:
        with writing(db):
            yield recorder
            db.flush()
            _append(db, recorder.entries)
    except RefusedError:
        with writing(db):
            _append(db, [entry for entry in recorder.entries if entry.tag.endswith(":refused")])
        raise
    finally:
        db.info["recorder"] = None


def _append(db: Session, entries: list[Entry]) -> None:
    if not entries:
        return
    head = HEAD_TO_MOVE.first(db)
    seq, chain = (head.seq, head.chain) if head is not None else (0, _before_all(db))
    lines = []
    for entry in entries:
        seq += 1
        line = _line(seq, entry)
        chain = line["chain"] = chained(chain, line.values())
        lines.append(line)
    (MOVE_HEAD if head is not None else FIRST_HEAD).run(db, new_seq=seq, new_chain=chain)
    for line in lines:
        ADD_LINE.run(db, **line)
    draw(db, lines)
    db.flush()


def _line(seq: int, entry: Entry) -> dict[str, Any]:
    """The columns of a line in the order of `CHAINED`."""
    moment = now().replace(microsecond=0)
    who = (entry.actor_role, entry.actor_id, entry.subject_id, entry.object_id)
    values = (seq, moment if entry.exact else None, moment.date(), entry.tag, *who, entry.detail[:120])
    return dict(zip(CHAINED, values, strict=True))


def _before_all(db: Session) -> bytes:
    return digest(b"audit/1", house_of(db).installation)


def chained(previous: bytes, line: Iterable[object]) -> bytes:
    """Return the hash of a line, the values of `CHAINED`, that follows `previous`."""
    return digest(previous, json.dumps([_plain(value) for value in line], ensure_ascii=True).encode())


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    return value.hex if isinstance(value, UUID) else value


@dataclass(frozen=True)
class Verdict:
    """Result of a verification. `broken_at` is the first line that does not fit, None when all do."""

    lines: int
    broken_at: int | None
    heads_checked: int = 0


def verify_chain(db: Session) -> Verdict:
    """Read the whole chain and compare it with its head and with every head kept in the second place."""
    house = house_of(db)
    kept = {head["seq"]: b64decode(head["chain"]) for head in kept_heads(house)}
    seq, chain, broken = _walk(db, kept)
    checked = sum(1 for number in kept if number <= seq)
    if broken:
        return Verdict(seq, seq, checked)
    if _head(db) != (seq, chain) or max(kept, default=0) > seq:
        return Verdict(seq, seq + 1, checked)
    return Verdict(seq, None, checked)


def _walk(db: Session, kept: dict[int, bytes]) -> tuple[int, bytes, bool]:
    """Return the last line read, its hash, and whether it does not fit."""
    chain, seq = _before_all(db), 0
    with db.execute(select(AuditLine).order_by(AuditLine.seq).execution_options(yield_per=BATCH)) as result:
        for line in result.scalars():
            chain = chained(chain, (getattr(line, name) for name in CHAINED))
            seq += 1
            if line.seq != seq or line.chain != chain or kept.get(seq, chain) != chain:
                return seq, chain, True
            db.expunge(line)
    return seq, chain, False


def _head(db: Session) -> tuple[int, bytes]:
    """How many lines there are and the hash that stands for all of them."""
    head = HEAD.first(db)
    return (head.seq, head.chain) if head is not None else (0, _before_all(db))


def signed_head(db: Session) -> dict[str, Any]:
    """Return the present head with a signature under a key of the server secret."""
    house = house_of(db)
    seq, chain = _head(db)
    key = subkey(house.secret, "audit-head")
    statement = digest(b"head/1", house.installation, seq.to_bytes(8, "big"), chain)
    return {
        "seq": seq,
        "chain": b64encode(chain).decode(),
        "signature": b64encode(sign(key, statement)).decode(),
        "public": b64encode(public_of(key)).decode(),
    }


def keep_head(db: Session) -> Path:
    """Put the signed head in the second place, one file per head; the same head twice is one file."""
    head = signed_head(db)
    folder = house_of(db).settings.audit_heads
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"head-{head['seq']:012d}.json"
    path.write_text(json.dumps(head))
    return path


def kept_heads(house: House) -> list[dict[str, Any]]:
    """Return the kept heads, oldest first.

    :raises TamperError: when one was not signed here.
    """
    heads = [json.loads(path.read_text()) for path in sorted(house.settings.audit_heads.glob("head-*.json"))]
    public = public_of(subkey(house.secret, "audit-head"))
    for head in heads:
        statement = digest(b"head/1", house.installation, head["seq"].to_bytes(8, "big"), b64decode(head["chain"]))
        if not verifies(public, b64decode(head["signature"]), statement):
            raise TamperError("audit head")
    return heads
