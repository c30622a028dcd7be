"""Several at once: each in a database session of their own, let go at the same moment."""

import threading
from collections.abc import Callable

from sqlalchemy.orm import Session

from counsel.core.errors import CounselError
from tests.conftest import Centre

PATIENCE_S = 30


def together(centre: Centre, prepare: Callable[[Session, int], Callable[[], object]], count: int = 2) -> list[str]:
    """Let so many do something at once; return ``done`` or ``told`` for each, sorted; whoever fails otherwise is missing.

    :param prepare: gets a session and a number from 0, reads what is needed, and returns what happens at the moment itself.
    """
    gate, ends = threading.Barrier(count), []

    def work(number: int) -> None:
        with centre.session() as db:
            act = prepare(db, number)
            gate.wait(PATIENCE_S)
            try:
                act()
                ends.append("done")
            except CounselError:
                ends.append("told")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    centre.db.rollback()
    centre.db.expire_all()
    return sorted(ends)
