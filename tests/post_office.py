"""A real mail server with TLS and sign-in, and a real HTTP gateway, on loopback and free ports, for as long as a test runs."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

USER, WORD = "centre", "a mail password"


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 that is its own authority; return (certificate, key)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    start = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "mail.pem", folder / "mail.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    paths[1].write_bytes(key.private_bytes(*private))
    return paths


@dataclass
class PostOffice:
    """What arrived, and how the servers answer.

    :param refuse: an SMTP answer to every recipient, or an HTTP status, instead of taking the message.
    """

    settings: dict[str, Any]
    letters: list[Any] = field(default_factory=list)
    texts: list[tuple[dict[str, Any], dict[str, str]]] = field(default_factory=list)
    refuse: str = ""

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        """Take a recipient, or refuse."""
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:
        """Keep a letter; only over TLS and after a sign-in."""
        assert session.ssl is not None and session.authenticated
        self.letters.append(message_from_bytes(envelope.content))
        return "250 OK"


def _authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (USER.encode(), WORD.encode()), handled=False)


class _Mail(Controller):
    def _trigger_server(self) -> None:
        """Knock at the port the system gave, not at port 0."""
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def post_office(folder: Path) -> Iterator[PostOffice]:
    """Open both servers; `settings` are what a centre would set to use them."""
    cert, key = certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    office = PostOffice({})
    mail = _Mail(
        office, hostname="127.0.0.1", port=0, tls_context=context, require_starttls=True, auth_required=True,
        authenticator=_authenticate, decode_data=False,
    )  # fmt: skip
    mail.start()
    gateway = _gateway(office)
    threading.Thread(target=gateway.serve_forever, daemon=True).start()
    office.settings |= {
        "mail_host": "127.0.0.1",
        "mail_port": mail.port,
        "mail_user": USER,
        "mail_password": WORD,
        "mail_from": "centre@school.example",
        "outbox_ca": str(cert),
        "gateway_url": f"http://127.0.0.1:{gateway.server_port}/send",
        "gateway_token": "a token",
        "site_address": "https://counsel.school.example",
    }
    yield office
    mail.stop()
    gateway.shutdown()
    gateway.server_close()


def _gateway(office: PostOffice) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Take a text, or answer as told."""
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            if office.refuse:
                self.send_response(int(office.refuse.split()[0]))
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            else:
                office.texts.append((json.loads(raw), dict(self.headers)))
                self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)
