"""Who must be told when a level rises, and that they were: guardian and leader, each within its clock (domain §3.3; 篇4 五).

What was told stands in the case, sealed; in clear there is one neutral task, due when the next of them is. A guardian who
must hear nothing is withheld from, with a reason and a second signature.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now
from counsel.core.database import house_of
from counsel.core.errors import InvalidError, TransitionError, UnreadableError
from counsel.core.ids import parse_id
from counsel.pathway.cases.countersign import ask_second_signature, second_signature
from counsel.pathway.cases.covers import moment_of
from counsel.pathway.cases.dossier import TOLD, read_item, write_form
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import case_facts, cover_of, held
from counsel.pathway.intake.consent import age_of, client_of
from counsel.records.services import items_in, newest_number
from counsel.risk.clocks import GUARDIAN, LEADER, owed_to
from counsel.tasks.services import GRACE, end_tasks, open_task, tasks_about

WHOM = (GUARDIAN, LEADER)
OUTCOMES = ("told", "not_reached", "withheld")
WITHHELD = "I6"
LONGEST = 1000


def still_owed(db: Session, *, actor: SignedIn, case: Case) -> dict[str, datetime]:
    """Return who must still be told and by when, from the cover and what was recorded since the level rose.

    Records: ``pathway:told:read`` for each record.
    """
    cover = cover_of(db, actor=actor, case=case)
    raised = moment_of(cover.raised_at)
    if raised is None:
        return {}
    owed = owed_to(house_of(db).settings, cover.level, age_if_known(db, actor=actor, case=case))
    due = {whom: raised + after for whom, after in owed.items()}
    for said in told_in(db, actor=actor, case=case):
        if said["whom"] not in due or said["level"] < cover.level or datetime.fromisoformat(said["at"]) < raised:
            continue
        later = _still_open_for(db, said)
        if later is None:
            del due[said["whom"]]
        else:
            due[said["whom"]] = max(due[said["whom"]], datetime.fromisoformat(said["at"]) + later)
    return due


def _still_open_for(db: Session, said: Mapping[str, Any]) -> timedelta | None:
    """Return how long after a record somebody must still be told, or None when the record settles it.

    Withholding settles once the second signature stands, or when nobody could give one; until then it moves no clock.
    """
    if said["outcome"] == "not_reached":
        return timedelta(minutes=house_of(db).settings.not_reached_minutes)
    signature = second_signature(db, parse_id(said.get("signature", "")))
    return timedelta(0) if signature in ("waiting", "declined") else None


def age_if_known(db: Session, *, actor: SignedIn, case: Case) -> int | None:
    """Return the client's age; a card that does not open counts as unknown: what danger asks for waits for no key."""
    try:
        return age_of(db, client_of(db, actor=actor, case=case))
    except UnreadableError:
        return None


def told_in(db: Session, *, actor: SignedIn, case: Case) -> list[Mapping[str, Any]]:
    """Open what was recorded about telling guardian and leader, oldest first; one that does not open counts as not recorded."""
    items = [item for item in items_in(db, [case.box_id]) if item.kind == TOLD.code]
    found = []
    for item in sorted(items, key=lambda item: item.number):
        with suppress(UnreadableError):
            found.append(read_item(db, actor=actor, case=case, item=item).content)
    return found


def record_told(db: Session, *, actor: SignedIn, case: Case, whom: str, outcome: str, words: str) -> None:
    """Record that somebody was told, was not reached and is tried again soon, or is withheld from for a reason.

    Withholding asks for a second signature and counts once it stands; that nobody else could sign holds up nothing.

    :raises InvalidError: nobody who is told here, no such outcome, no words.

    Records: ``pathway:told:signed``. Rule: 篇4 五; domain §3.3.
    """
    require(db, actor, Permission.CASE_FOLLOW_UP, case_facts(db, case), object_id=case.case_id)
    problems = {}
    if whom not in WHOM:
        problems["whom"] = "unknown"
    if outcome not in OUTCOMES:
        problems["outcome"] = "unknown"
    if not words.strip() or len(words) > LONGEST:
        problems["words"] = "too_long" if words.strip() else "empty"
    if problems:
        raise InvalidError(**problems)
    with held(db, case):
        level = cover_of(db, actor=actor, case=case).level
        number = 1 + newest_number(db, case.box_id, TOLD.code)
        content = {"whom": whom, "outcome": outcome, "words": words, "level": level, "by": actor.name}
        if outcome == "withheld":
            others = [due for name, due in still_owed(db, actor=actor, case=case).items() if name != whom]
            content["signature"] = _ask(db, actor, case, min(others, default=None), level=level, reason=words)
        full = {**content, "at": now().isoformat(timespec="seconds")}
        write_form(db, actor=actor, case=case, kind=TOLD, content=full, seen_version=0, sign=True, number=number)
        settle_informing(db, actor=actor, case=case)


def _ask(db: Session, actor: SignedIn, case: Case, left: datetime | None, **reason: Any) -> str:
    """Ask for the signature; whoever signs has no key to the case and is told here when the task is due then, if at all."""
    running = [task.task_id.hex for task in tasks_about(db, case.case_id, ("inform",))]
    said = {"code": WITHHELD, "by": actor.name, "settles": [running, left.isoformat() if left else ""], **reason}
    with suppress(TransitionError):
        return ask_second_signature(db, actor=actor, client_id=case.client_id, object_id=case.case_id, content=said).task_id.hex
    return ""


def settle_what_fell(db: Session, *, actor: SignedIn, case: Case) -> None:
    """End a task that nothing stands behind any more: the client has come of age since, so the guardian is owed nothing."""
    if tasks_about(db, case.case_id, ("inform",)) and not still_owed(db, actor=actor, case=case):
        with held(db, case):
            settle_informing(db, actor=actor, case=case)


def inform_anew(db: Session, *, actor: SignedIn, case: Case) -> None:
    """Begin a task of its own for a level that rose: what was asked under the one before settles nothing of this one.

    A deadline that runs already never moves back.
    """
    before = [task.due_at for task in tasks_about(db, case.case_id, ("inform",))]
    end_tasks(db, object_id=case.case_id, kind="inform", outcome="risen")
    settle_informing(db, actor=actor, case=case, at_latest=min(before, default=None))


def settle_informing(db: Session, *, actor: SignedIn, case: Case, at_latest: datetime | None = None) -> None:
    """Let the one task say when the next person must be told, or end it, inside the caller's transaction."""
    due = still_owed(db, actor=actor, case=case)
    waiting = tasks_about(db, case.case_id, ("inform",))
    if not due:
        end_tasks(db, object_id=case.case_id, kind="inform", outcome="recorded")
        return
    first = min([*due.values(), *([at_latest] if at_latest else [])])
    if not waiting:
        open_task(db, kind="inform", due_at=first, client_id=case.client_id, object_id=case.case_id)
    for task in waiting:
        task.due_at, task.escalates_at = first, first + GRACE
