"""Assets from the Bootstrap wheel and our own folder; a sprite of only the icons the templates name."""

import hashlib
import re
from pathlib import Path

import flask_bootstrap
from flask import Blueprint, Flask, Response, abort, current_app, url_for

WHEEL = Path(flask_bootstrap.__file__).parent / "static" / "bootstrap5"
OWN = Path(__file__).parent / "static"
ICON = re.compile(r"""(?:icon|row|rail|empty)\(\s*['"]([a-z0-9-]+)['"]""")
blueprint = Blueprint("assets", __name__)


def _sprite(templates: Path, extra: set[str]) -> bytes:
    """Return one SVG with the icons that templates name; an unknown name stops the start."""
    used = set(extra)
    for path in templates.rglob("*.html"):
        used |= set(ICON.findall(path.read_text("utf-8")))
    source = (WHEEL / "icons" / "bootstrap-icons.svg").read_text("utf-8")
    found = {name: re.search(rf'<symbol[^>]*id="{name}">.*?</symbol>', source, re.S) for name in sorted(used)}
    missing = [name for name, match in found.items() if match is None]
    if missing:
        raise LookupError(f"no such icons: {', '.join(missing)}")
    symbols = "".join(match.group(0) for match in found.values() if match)
    return f'<svg xmlns="http://www.w3.org/2000/svg">{symbols}</svg>'.encode()


def init(app: Flask, templates: Path, icons: set[str]) -> None:
    """Load the assets once, before any worker forks."""
    files = {
        "bootstrap.css": ("text/css", (WHEEL / "css" / "bootstrap.min.css").read_bytes()),
        "look.css": ("text/css", (OWN / "look.css").read_bytes() + (OWN / "counsel.css").read_bytes()),
        "counsel.js": ("text/javascript", (OWN / "counsel.js").read_bytes()),
        "icons.svg": ("image/svg+xml", _sprite(templates, icons)),
        "favicon.svg": ("image/svg+xml", (OWN / "favicon.svg").read_bytes()),
    }
    marks = {name: hashlib.sha256(body).hexdigest()[:12] for name, (_kind, body) in files.items()}
    app.extensions["counsel_assets"] = files

    def asset(name: str) -> str:
        return url_for("assets.asset_file", mark=marks[name], name=name)

    app.jinja_env.globals["asset"] = asset
    app.register_blueprint(blueprint)

    @app.get("/robots.txt")
    def robots() -> Response:
        """Keep crawlers out (篇5 19)."""
        return Response("User-agent: *\nDisallow: /\n", mimetype="text/plain")

    robots.permission = None  # type: ignore[attr-defined]


@blueprint.get("/assets/<mark>/<name>")
def asset_file(mark: str, name: str) -> Response:
    """Serve one asset; its address changes with its content, so browsers may keep it."""
    files = current_app.extensions["counsel_assets"]
    if name not in files:
        abort(404)
    kind, body = files[name]
    response = Response(body, mimetype=kind)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


asset_file.permission = None  # type: ignore[attr-defined]
