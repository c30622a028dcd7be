"""Pages around the floor, and around services that have no page yet, so that both sides of a ratio pay for a page."""

from collections.abc import Callable

from flask import Flask, jsonify, render_template, request
from flask.testing import FlaskClient
from jinja2 import DictLoader

from bench.floor import Notes

OPENED = """<!doctype html><title>notes</title>
{% for text in texts %}<article><h2>{{ loop.index }}</h2><p>{{ text }}</p></article>{% endfor %}"""


def client_of(floor: Notes, texts_of: dict[str, Callable[[], list[str]]]) -> FlaskClient:
    """Return a client of a bare application: `/open/<name>` shows texts, `/save` saves one note to the floor."""
    app = Flask(__name__)
    app.jinja_loader = DictLoader({"opened.html": OPENED})

    @app.get("/open/<name>")
    def opened(name: str) -> str:
        """Show the texts of one side."""
        return render_template("opened.html", texts=texts_of[name]())

    @app.post("/save")
    def save() -> object:
        """Save what was typed."""
        floor.save("".join(request.form.values()).encode())
        return jsonify(version=1)

    return app.test_client()
