"""Security headers of every answer, and the checks every request passes before its view (security V3, V4)."""

from flask import Flask, Response, request
from werkzeug.exceptions import BadRequest, Forbidden

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Robots-Tag": "noindex, nofollow",
}
SEVERAL = {
    "points",
    "ticks",
    "roles",
    "basis",
    "other_problems",
    "scope",
    "signs",
    "but",
    "media",
    "supervision",
    "teaching",
    "counted",
    "forms",
    "flaws",
}  # fields that may come more than once
SAFE = ("GET", "HEAD", "OPTIONS")


def init(app: Flask) -> None:
    """Put the checks and headers in place."""
    app.before_request(check_request)
    app.after_request(add_headers)


def check_request() -> None:
    """Refuse changes that another site started, duplicate parameters and bytes that no form sends."""
    if request.method not in SAFE:
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            raise Forbidden
        origin = request.headers.get("Origin")
        if origin not in (None, "null", request.host_url.rstrip("/")) and not origin.endswith(f"://{request.host}"):
            raise Forbidden
    for values in (request.args, request.form):
        for name, found in values.lists():
            if (len(found) > 1 and name.removeprefix("resume_") not in SEVERAL) or any("\0" in text for text in (name, *found)):
                raise BadRequest


def add_headers(response: Response) -> Response:
    """Add the headers; everything but assets is never stored anywhere."""
    own = {name.lower() for name, _value in response.headers}
    response.headers.extend([(name, value) for name, value in HEADERS.items() if name.lower() not in own])
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if not (request.endpoint or "").startswith("assets."):
        response.headers["Cache-Control"] = "no-store"
    response.headers.pop("Server", None)
    return response
