"""The floor over HTTP: a bare Flask and SQLAlchemy application; one page from one table, one for whoever is signed in."""

import os

from flask import Flask, render_template_string, request
from flask_login import LoginManager, UserMixin, login_required, login_user
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

PAGE = "<!doctype html><title>floor</title>{% for row in rows %}<p>{{ row.words }}</p>{% endfor %}"


class Base(DeclarativeBase):
    """Base of the one table."""


class Row(UserMixin, Base):
    """A line of the page."""

    __tablename__ = "rows"
    row_id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[str]

    def get_id(self) -> str:
        """Return what the cookie says."""
        return str(self.row_id)


def make_app() -> Flask:
    """Return the application, its table made and filled."""
    app, engine = Flask(__name__), create_engine(f"sqlite:///{os.environ['FLOOR_DATABASE']}")
    app.secret_key, login = "floor", LoginManager(app)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO rows(words) SELECT 'floor' WHERE NOT EXISTS (SELECT 1 FROM rows)"))
    engine.dispose()

    @app.get("/")
    def page() -> str:
        """The page."""
        with Session(engine) as db:
            return render_template_string(PAGE, rows=db.scalars(select(Row).limit(30)).all())

    @login.user_loader  # type: ignore[untyped-decorator]
    def who(row_id: str) -> Row | None:
        """Look up who is signed in."""
        with Session(engine) as db:
            return db.get(Row, int(row_id))

    @app.get("/sign-in")
    def sign_in() -> str:
        """Sign the first row in."""
        with Session(engine) as db:
            login_user(db.get_one(Row, 1))
        return ""

    @app.get("/hello")
    @login_required  # type: ignore[untyped-decorator]
    def hello() -> str:
        """The authenticated hello."""
        return "hello"

    @app.post("/discard")
    def discard() -> str:
        """Read what is sent, and keep nothing."""
        while request.stream.read(256 * 1024):
            pass
        return ""

    return app
