"""Two ways out behind one call: SMTP, and an HTTP gateway for SMS or a school messenger. Neither logs what it sends."""

import http.client
import json
import smtplib
import ssl
import urllib.error
import urllib.request
from contextlib import suppress
from email.message import EmailMessage
from email.utils import format_datetime
from uuid import UUID

from counsel.core.clock import now
from counsel.core.settings import Settings

SECONDS = 20
TRY_AGAIN = (408, 425, 429)


class SendError(Exception):
    """A message that could not be handed over.

    :param code: what stands in the row.
    :param final: whether trying again is useless, such as an address that does not exist.
    """

    def __init__(self, code: str, *, final: bool = False) -> None:
        super().__init__(code)
        self.code, self.final = code[:40], final


def configured(settings: Settings, channel: str) -> bool:
    """Return whether the centre has set up a way to send on this channel."""
    return bool(settings.mail_host if channel == "mail" else settings.gateway_url)


def send(settings: Settings, channel: str, message_id: UUID, address: str, words: tuple[str, str]) -> None:
    """Hand one message over. Repeating it with the same id is recognisable to the receiver, so that it shows once.

    :raises SendError: in every case of failure.
    """
    if not configured(settings, channel):
        raise SendError("not_configured")
    try:
        (_mail if channel == "mail" else _gateway)(settings, message_id, address, words)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _words in error.recipients.values()]
        raise SendError(f"smtp_{min(codes)}", final=min(codes) >= 500) from None
    except smtplib.SMTPResponseException as error:
        raise SendError(f"smtp_{error.smtp_code}") from None
    except urllib.error.HTTPError as error:
        final = 400 <= error.code < 500 and error.code not in TRY_AGAIN
        error.close()
        raise SendError(f"http_{error.code}", final=final) from None
    except (OSError, smtplib.SMTPException, http.client.HTTPException, ValueError) as error:
        raise SendError(type(error).__name__) from None


def _mail(settings: Settings, message_id: UUID, address: str, words: tuple[str, str]) -> None:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = settings.mail_from, address, words[0]
    letter["Date"] = format_datetime(now())
    letter["Message-ID"] = f"<{message_id.hex}@{settings.mail_from.rpartition('@')[2]}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(words[1])
    server = _connection(settings)
    try:
        if settings.mail_user:
            server.login(settings.mail_user, settings.mail_password)
        server.send_message(letter)
    finally:
        with suppress(smtplib.SMTPException, OSError):  # taken is taken, however it says goodbye
            server.quit()
        server.close()


def _connection(settings: Settings) -> smtplib.SMTP:
    place = (settings.mail_host, settings.mail_port)
    if settings.mail_security == "tls":
        return smtplib.SMTP_SSL(*place, timeout=SECONDS, context=_trust(settings))
    server = smtplib.SMTP(*place, timeout=SECONDS)
    if settings.mail_security == "starttls":
        try:
            server.starttls(context=_trust(settings))
        except BaseException:
            server.close()
            raise
    return server


def _trust(settings: Settings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.outbox_ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _gateway(settings: Settings, message_id: UUID, address: str, words: tuple[str, str]) -> None:
    content = json.dumps({"id": message_id.hex, "to": address, "text": words[1]}, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": message_id.hex}
    if settings.gateway_token:
        headers["Authorization"] = f"Bearer {settings.gateway_token}"
    request = urllib.request.Request(settings.gateway_url, content, headers, method="POST")  # noqa: S310
    context = _trust(settings) if settings.gateway_url.startswith("https:") else None
    with _direct(context).open(request, timeout=SECONDS) as answer:
        answer.read(1)


def _direct(context: ssl.SSLContext | None) -> urllib.request.OpenerDirector:
    """Return an opener that follows no redirection: an address is given to the set place and nowhere else."""
    secure = [urllib.request.HTTPSHandler(context=context)] if context is not None else []
    return urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}), *secure)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object, **_more: object) -> None:
        """Refuse."""
        return
