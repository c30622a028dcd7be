"""How many clients somebody opens in an hour: past one limit the passphrase is asked again, past another nothing opens (A30).

Somebody who leaves soon, or a browser left open, must not carry a caseload away in an evening.
"""

from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.access.vault import lock_vault
from counsel.audit.patterns import clients_opened, opened_lately, vault_opened
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, LockedError
from counsel.pathway.cases.models import Case
from counsel.risk.cards import is_watched


def check_pace(db: Session, actor: SignedIn, case: Case) -> None:
    """Let a case be opened at a pace at which people read; one that was opened within the hour opens again.

    :raises LockedError: the vault has been shut, and opens with the passphrase; :raises ConflictError: ``many_opened``.

    Rule: 篇4 三; security A30, R5.
    """
    if opened_lately(db, actor.holder_id, case.client_id) or is_watched(db, case.client_id):
        return  # whoever is watched over waits for no passphrase
    settings, me = house_of(db).settings, actor.holder_id
    opened = clients_opened(db, me)
    if len(opened) < settings.openings_step_up_limit:
        return
    if len(opened) >= settings.openings_stop_limit:
        raise ConflictError("many_opened")
    if len(clients_opened(db, me, after=vault_opened(db, me))) >= settings.openings_step_up_limit:
        lock_vault(db, actor=actor)
        raise LockedError
