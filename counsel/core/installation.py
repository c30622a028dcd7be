"""One installation: its folder, its secret, its row, and opening it as a house."""

import secrets
from datetime import date

from sqlalchemy import CheckConstraint, Engine
from sqlalchemy.orm import Mapped, Session, mapped_column, sessionmaker

from counsel.core.database import Base, House, assert_durable, make_engine, make_sessions
from counsel.core.errors import SettingsError
from counsel.core.settings import Settings, read_secret


class Installation(Base):
    """The one row that names this installation and says whether it is a demonstration."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("row_id = 1", name="one_row"),)
    row_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    installation: Mapped[bytes]
    demo: Mapped[bool]
    founded_on: Mapped[date]


def prepare_instance(settings: Settings) -> None:
    """Make the instance folder and its secret where they are missing; never replaces a secret."""
    for folder in (settings.instance, settings.locks_backup, settings.audit_heads):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    path = settings.instance / "server-secret"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(32))
        path.chmod(0o400)


def open_house(settings: Settings) -> tuple[House, Engine, sessionmaker[Session]]:
    """Open an installation whose schema is up to date.

    :raises SettingsError: no secret, no schema, or a database that could lose commits.
    """
    secret = read_secret(settings.instance)
    engine = make_engine(settings.database_url)
    assert_durable(engine)
    with Session(engine) as db:
        row = db.get(Installation, 1)
        if row is None:
            raise SettingsError("this database has not been founded: run `counsel init` or `counsel demo`")
        house = House(settings, secret, row.installation, make_engine(settings.locks_url))
    return house, engine, make_sessions(engine, house)


def is_demo(db: Session) -> bool:
    """Return whether this installation is a demonstration, which can never become a real centre."""
    row = db.get(Installation, 1)
    return row is not None and row.demo
