"""The floor of a cold start: a bare Flask and SQLAlchemy application with one page from one table."""

import os

from flask import Flask, render_template_string, request
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

PAGE = "<!doctype html><title>floor</title>{% for row in rows %}<p>{{ row.words }}</p>{% endfor %}"


class Base(DeclarativeBase):
    """Base of the one table."""


class Row(Base):
    """A line of the page."""

    __tablename__ = "rows"
    row_id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[str]


def make_app() -> Flask:
    """Return the application, its table made and filled."""
    app, engine = Flask(__name__), create_engine(f"sqlite:///{os.environ['FLOOR_DATABASE']}")
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO rows(words) SELECT 'floor' WHERE NOT EXISTS (SELECT 1 FROM rows)"))
    engine.dispose()

    @app.get("/")
    def page() -> str:
        """The page."""
        with Session(engine) as db:
            return render_template_string(PAGE, rows=db.scalars(select(Row).limit(30)).all())

    @app.post("/discard")
    def discard() -> str:
        """Read what is sent, and keep nothing."""
        while request.stream.read(256 * 1024):
            pass
        return ""

    return app
