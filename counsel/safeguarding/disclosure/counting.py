"""Whom a disclosure has told, for the clocks of guardian and leader: what was spoken at once, a package once it was opened."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.telling import To
from counsel.pathway.cases.covers import moment_of
from counsel.pathway.cases.services import case_at, cover_of
from counsel.pathway.intake.informing import record_told, still_owed, told_in
from counsel.risk.clocks import GUARDIAN, LEADER
from counsel.safeguarding.disclosure.draft import SPOKEN, Content
from counsel.safeguarding.disclosure.models import Disclosure, Package

COUNTED = ((GUARDIAN, To.GUARDIAN), (LEADER, To.LEADER))


def count_as_told(
    db: Session, *, actor: SignedIn, row: Disclosure, content: Content, packages: Iterable[Package], sent_at: datetime
) -> None:
    """Let what has arrived stand among what was told in the case, once for each disclosure; only the case's own counsellor can.

    A package that nobody opened tells nobody. What was sent before the level last rose does not say how things stand now.

    Records: ``pathway:told:signed``. Rule: 篇4 五; domain §3.3.
    """
    case = case_at(db, row.case_id)
    if case is None or case.counsellor_id != actor.holder_id:
        return
    raised = moment_of(cover_of(db, actor=actor, case=case).raised_at)
    arrived = {
        content["recipients"][one.number - 1]["kind"] for one in packages if one.way == SPOKEN or one.opened_on is not None
    }
    if raised is None or sent_at < raised:
        return
    words = f"F09 {row.number:04}"
    for whom, kind in COUNTED:
        counted = any((said["whom"], said["words"]) == (whom, words) for said in told_in(db, actor=actor, case=case))
        if kind in arrived and not counted and whom in still_owed(db, actor=actor, case=case):
            record_told(db, actor=actor, case=case, whom=whom, outcome="told", words=words)
