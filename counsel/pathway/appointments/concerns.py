"""A class teacher's concern: free text sealed to the centre, always the same answer, and nothing happens to the student
until the student says yes (篇9 二2; R9-11)."""

from datetime import timedelta

from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now
from counsel.core.errors import InvalidError
from counsel.crypto.context import NOBODY
from counsel.keys.boxes import create_box
from counsel.keys.groups import group_reader
from counsel.records.services import start_item
from counsel.tasks.services import open_task

CONCERN_LENGTH = 2000
LOOK_HOURS = 24


def raise_concern(db: Session, *, actor: SignedIn, about: str, text: str) -> None:
    """Seal what a teacher noticed to `duty`. The teacher never learns what became of it, nor whether it was known.

    :param about: the student as the teacher names them; not looked up, so no answer can differ.
    :raises InvalidError: an empty or over-long field.

    Records: ``pathway:concern:raised`` without saying about whom. Rule: 篇9 一6, 二2.
    """
    require(db, actor, Permission.CONCERN_RAISE)
    problems = {name: "empty" for name, value in (("about", about), ("text", text)) if not value.strip()}
    if len(about) > 60:
        problems["about"] = "too_long"
    if len(text) > CONCERN_LENGTH:
        problems["text"] = "too_long"
    if problems:
        raise InvalidError(**problems)
    with recording(db) as record:
        box = create_box(db, kind="concern", readers=[group_reader(db, "duty", "concern")], granter=None)
        start_item(db, box=box, kind="concern", author=NOBODY, content={"about": about, "text": text, "by": actor.name})
        open_task(db, kind="review", due_at=now() + timedelta(hours=LOOK_HOURS), box_id=box.box_id, grace=timedelta(minutes=60))
        record.line("pathway:concern:raised", role=actor.role, actor_id=actor.staff_id)
