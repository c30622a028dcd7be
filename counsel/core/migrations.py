"""Bring a database to the schema of this version, or back; the scripts lie in `migrations/`."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from counsel.core.errors import SettingsError


def scripts_folder() -> Path:
    """Return the folder of the migration scripts: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "migrations"
    return inside if inside.exists() else package.parent / "migrations"


def migrate(engine: Engine, target: str = "head") -> None:
    """Upgrade to `target` (a downgrade when it is older), all of it or nothing.

    :raises SettingsError: when a foreign key does not hold afterwards.
    """
    config = Config()
    config.set_main_option("script_location", str(scripts_folder()))
    with engine.connect() as connection:
        sqlite = engine.dialect.name == "sqlite"
        if sqlite:
            connection.connection.driver_connection.execute("PRAGMA foreign_keys = OFF").close()  # type: ignore[union-attr]
        config.attributes["connection"] = connection
        step = command.downgrade if target == "base" or target.startswith("-") else command.upgrade
        with connection.begin():
            step(config, target)
            if sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise SettingsError("a foreign key does not hold after the migration")
        if sqlite:
            connection.connection.driver_connection.execute("PRAGMA foreign_keys = ON").close()  # type: ignore[union-attr]
