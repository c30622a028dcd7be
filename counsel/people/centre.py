"""Preparing an installation: folder, secret, schema, lock store, its row. Founding the people is `founding`."""

import secrets

from sqlalchemy.orm import Session

from counsel.core.clock import today
from counsel.core.database import make_engine
from counsel.core.errors import ConflictError
from counsel.core.installation import Installation, open_house, prepare_instance
from counsel.core.migrations import migrate
from counsel.core.settings import Settings
from counsel.keys.locks import prepare_store


def prepare_centre(settings: Settings, *, demo: bool = False) -> None:
    """Make everything an empty centre needs; what exists stays.

    :raises ConflictError: ``demo`` when this would turn a demonstration into a centre or the reverse.
    """
    prepare_instance(settings)
    engine = make_engine(settings.database_url)
    migrate(engine)
    with Session(engine) as db, db.begin():
        row = db.get(Installation, 1)
        if row is None:
            day = today(settings.time_zone)
            db.add(Installation(row_id=1, installation=secrets.token_bytes(16), demo=demo, founded_on=day))
        elif row.demo != demo:
            raise ConflictError("demo")
    engine.dispose()
    house, engine, _sessions = open_house(settings)
    prepare_store(house)
    engine.dispose()
    house.locks.dispose()
