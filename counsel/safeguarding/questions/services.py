"""A client asks about the own file: an opening that seems wrong, access, a copy, a correction, erasure (篇4 一; PIPL 44–50)."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, refuse, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.decide import decide, role_may
from counsel.confidentiality.facts import NOTHING, Facts
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import Role
from counsel.core.clock import at_local, today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError, TransitionError, UnreadableError
from counsel.core.ids import new_id
from counsel.keys.boxes import create_box, open_box
from counsel.keys.grants import Reader
from counsel.keys.models import Grant
from counsel.keys.rotation import open_to_add
from counsel.keys.trust import check_recipient, holder_row
from counsel.outbox.notices import notify
from counsel.people.cards import ClientCard, client_cards, publish_client
from counsel.people.conflicts import barred_now
from counsel.people.deputies import second_persons
from counsel.records.services import item_of, open_bodies, write_signed
from counsel.safeguarding.questions.models import KINDS, OwnQuestion
from counsel.tasks.services import end_tasks, open_task

QUESTION, ANSWER = "ask", "answer"
MOST_OPEN, LONGEST = 3, 2000


@dataclass(frozen=True)
class Asked:
    """A question with its answer, as the client or the director sees it. `words` is empty when it does not open any more."""

    row: OwnQuestion
    words: str
    answer: str


def ask(db: Session, *, actor: SignedIn, kind: str, text: str) -> OwnQuestion:
    """Ask the director about the own file; sealed to the directors of today and to oneself. Late, the outside supervisor hears.

    Where every director is kept away from the client, the outside supervisor answers.

    :raises InvalidError: no such kind, nothing or too much written; :raises ConflictError: three are waiting already.
    :raises TransitionError: ``NOBODY_THERE``, while there is no director with keys.

    Records: ``safeguarding:question:asked``. Rule: 篇4 一; PIPL 44–50.
    """
    require(db, actor, Permission.FILE_SIGHT, Facts(client_id=actor.client_id))
    if kind not in KINDS:
        raise InvalidError(kind="unknown")
    if not text.strip() or len(text) > LONGEST:
        raise InvalidError(text="too_long" if text.strip() else "empty")
    keyring, day = keys_of(db, actor), today(house_of(db).settings.time_zone)
    with recording(db) as record:
        client_id = publish_client(db, actor=actor)
        if len([row for row in _rows(db, client_id) if row.answered_on is None]) >= MOST_OPEN:
            raise ConflictError("questions_waiting")
        me = holder_row(db, keyring.holder_id, keyring.version)
        assert me is not None
        outside, able = second_persons(db, account_id=None, kept=barred_now(db, client_id))
        readers = [Reader(me, "client"), *_answering(db, able)]
        box = create_box(db, kind="concern", readers=readers, granter=keyring)
        db.flush()
        write_signed(db, box=box, kind=QUESTION, keyring=keyring, content={"text": text})
        due = day + timedelta(days=house_of(db).settings.question_days)
        row = OwnQuestion(question_id=new_id(), client_id=client_id, kind=kind, box_id=box.box_id, asked_on=day, due_on=due)
        db.add(row)
        _open_task(db, row, outside)
        for holder_id in able:
            notify(db, reader_id=holder_id, kind="question_asked", object_id=row.question_id)
        record.by(actor, "safeguarding:question:asked", subject_id=client_id, object_id=row.question_id)
    return row


def _open_task(db: Session, row: OwnQuestion, outside: bool) -> None:
    """Let an answer that is late be noticed by somebody who is not the director, without a word of the question."""
    due = at_local(row.due_on, 24 * 60, house_of(db).settings.time_zone)
    owner, late = (Role.SUPERVISOR if outside else Role.DIRECTOR), Role.SUPERVISOR
    open_task(db, kind="answer", due_at=due, object_id=row.question_id, owner_role=owner, escalation_role=late)


def _answering(db: Session, able: list[UUID]) -> list[Reader]:
    found = []
    for holder_id in able:
        holder = holder_row(db, holder_id)
        if holder is not None and not holder.revoked:
            check_recipient(db, holder)
            found.append(Reader(holder, "answer"))
    if not found:
        raise TransitionError("NOBODY_THERE")
    return found


def question_facts(db: Session, row: OwnQuestion | None) -> Facts | None:
    """Return what the rules may know about a question."""
    if row is None:
        return None
    asked = frozenset(db.scalars(select(Grant.holder_id).where(Grant.box_id == row.box_id, Grant.purpose == "answer")))
    return Facts(client_id=row.client_id, asked=asked, barred=barred_now(db, row.client_id))


def _rows(db: Session, client_id: UUID | None) -> list[OwnQuestion]:
    query = select(OwnQuestion).where(OwnQuestion.client_id == client_id)
    return list(db.scalars(query.order_by(OwnQuestion.asked_on.desc(), OwnQuestion.question_id)))


def own_questions(db: Session, *, actor: SignedIn) -> list[Asked]:
    """Open what the client has asked and what was answered, the newest first; the caller's page has its audit line."""
    require(db, actor, Permission.FILE_SIGHT, Facts(client_id=actor.client_id))
    return [_opened(db, actor, row) for row in _rows(db, actor.client_id)]


def _opened(db: Session, actor: SignedIn, row: OwnQuestion) -> Asked:
    try:
        box = open_box(db, keys_of(db, actor), row.box_id)
        items = [item_of(db, row.box_id, kind) for kind in (QUESTION, ANSWER)]
        words = [open_bodies(db, box=box, item=item)[0]["text"] if item is not None else "" for item in items]
    except UnreadableError:
        return Asked(row, "", "")
    return Asked(row, *words)


def waiting_questions(db: Session, *, actor: SignedIn) -> list[OwnQuestion]:
    """Return the questions that wait for the actor's answer, the most urgent first; nothing is opened."""
    if not role_may(actor, Permission.QUESTION_ANSWER):
        refuse(db, actor, Permission.QUESTION_ANSWER)
    rows = db.scalars(select(OwnQuestion).where(OwnQuestion.answered_on.is_(None)).order_by(OwnQuestion.due_on))
    return [row for row in rows if decide(actor, Permission.QUESTION_ANSWER, question_facts(db, row) or NOTHING).allowed]


def read_question(db: Session, *, actor: SignedIn, question_id: UUID | None) -> tuple[Asked, ClientCard | None]:
    """Open one question and who asks; the outside supervisor opens no names. Records: ``safeguarding:question:read``."""
    row = db.get(OwnQuestion, question_id) if question_id is not None else None
    require(db, actor, Permission.QUESTION_ANSWER, question_facts(db, row), object_id=question_id)
    assert row is not None
    with recording(db) as record:
        asked = _opened(db, actor, row)
        card = None
        with suppress(UnreadableError):
            card = client_cards(db, keys_of(db, actor), [row.client_id]).get(row.client_id)
        record.by(actor, "safeguarding:question:read", subject_id=row.client_id, object_id=row.question_id)
    return asked, card


def answer(db: Session, *, actor: SignedIn, question_id: UUID | None, text: str) -> None:
    """Answer a question, once, with one's own signature; the client finds the answer beside it.

    :raises InvalidError: nothing or too much written; :raises ConflictError: a colleague was faster.

    Records: ``safeguarding:question:answered``.
    """
    row = db.get(OwnQuestion, question_id) if question_id is not None else None
    require(db, actor, Permission.QUESTION_ANSWER, question_facts(db, row), object_id=question_id)
    assert row is not None
    if not text.strip() or len(text) > LONGEST:
        raise InvalidError(text="too_long" if text.strip() else "empty")
    keyring = keys_of(db, actor)
    with recording(db) as record:
        db.refresh(row, with_for_update=True)
        if row.answered_on is not None:
            raise ConflictError("task_ended")
        box = open_to_add(db, keyring, row.box_id, clients=True)
        write_signed(db, box=box, kind=ANSWER, keyring=keyring, content={"text": text})
        row.answered_on = today(house_of(db).settings.time_zone)
        end_tasks(db, object_id=row.question_id, kind="answer", outcome="answered")
        notify(db, reader_id=row.client_id, kind="answered", object_id=row.question_id)
        record.by(actor, "safeguarding:question:answered", subject_id=row.client_id, object_id=row.question_id)
