"""Mail through one SMTP server. A message that may have been taken but was not confirmed is `Unclear`."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

from integrations.errors import Refused, Transient, Unclear

SYSTEM = "mail"
OPERATION = "send mail"
TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True)
class Mail:
    """One message to one person. `message_id` is the same when it is sent again, so that readers show it once."""

    to: str
    name: str
    subject: str
    text: str
    html: str
    message_id: str


class Mailer:
    """One SMTP server: smtp:// (STARTTLS where it is offered) or smtps://. Safe for several threads."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT_SECONDS) -> None:
        """Raises ValueError with what to put when the address cannot be used."""
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("SMTP_URL must look like smtp://user:password@mail.example.com:587?from=bot@example.com")
        sender = parse_qs(parts.query).get("from", [""])[0]
        try:
            self._sender = Address("Seatkeeper", addr_spec=sender)
        except (ValueError, IndexError, HeaderParseError):
            raise ValueError("SMTP_URL must end with ?from= and the sender's address") from None
        if not self._sender.domain:
            raise ValueError("SMTP_URL must end with ?from= and the sender's address")
        self._tls = parts.scheme == "smtps"
        self._host = parts.hostname
        try:
            self._port = parts.port or (465 if self._tls else 587)
        except ValueError:
            raise ValueError("SMTP_URL has a port that is no number") from None
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._timeout = timeout

    @property
    def domain(self) -> str:
        """The sender's domain, for message ids."""
        return self._sender.domain

    def send(self, mail: Mail) -> None:
        """Send it. Raises Transient, Refused or Unclear."""
        message = self._message(mail)
        with self._connected() as server:
            try:
                server.send_message(message, from_addr=self._sender.addr_spec, to_addrs=[mail.to])
            except smtplib.SMTPRecipientsRefused as error:
                code = next((code for code, _ in error.recipients.values()), 550)
                raise _answered(code, "the server takes no mail for this address", "recipient") from None
            except smtplib.SMTPResponseException as error:
                raise _answered(error.smtp_code, "the server refused the message", "message") from None
            except smtplib.SMTPNotSupportedError:
                raise Refused(
                    SYSTEM, OPERATION, "the server cannot take an address with these letters", code="address"
                ) from None
            except (smtplib.SMTPException, OSError):
                raise Unclear(SYSTEM, OPERATION, "the connection was lost while the message was sent") from None

    def check(self) -> None:
        """Connect, sign in and leave: for the doctor."""
        with self._connected() as server:
            server.noop()

    def _connected(self) -> _Session:
        try:
            return _Session(self._open())
        except smtplib.SMTPAuthenticationError:
            raise Refused(
                SYSTEM, "sign in", "the server does not accept the user and password of SMTP_URL", code="sign_in"
            ) from None
        except smtplib.SMTPNotSupportedError:
            raise Refused(SYSTEM, "sign in", "the server takes no sign-in here; use smtps://", code="sign_in") from None
        except smtplib.SMTPResponseException as error:
            raise _answered(error.smtp_code, "the server turned us away", "connect") from None
        except ssl.SSLCertVerificationError:
            raise Refused(
                SYSTEM, "connect", "its certificate is not signed by an authority we know", code="certificate"
            ) from None
        except (smtplib.SMTPException, OSError):
            raise Transient(SYSTEM, "connect", "cannot be reached") from None

    def _open(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self._tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=self._timeout, context=context)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
        try:
            server.ehlo()
            if not self._tls and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            if self._user:
                server.login(self._user, self._password)
        except BaseException:
            server.close()
            raise
        return server

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        try:
            message["From"] = self._sender
            message["To"] = Address(_line(mail.name), addr_spec=mail.to)
            message["Subject"] = _line(mail.subject)
            message["Message-ID"] = f"<{mail.message_id}@{self.domain}>"
            message["Auto-Submitted"] = "auto-generated"
        except (ValueError, IndexError, HeaderParseError):
            raise Refused(
                SYSTEM, OPERATION, "the person's address in the directory is not one", code="address"
            ) from None
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        return message


class _Session:
    """A signed-in connection that is left politely and always closed."""

    def __init__(self, server: smtplib.SMTP) -> None:
        self._server = server

    def __enter__(self) -> smtplib.SMTP:
        return self._server

    def __exit__(self, *_: object) -> None:
        try:
            self._server.quit()
        except (smtplib.SMTPException, OSError):
            self._server.close()  # the message was answered for already


def _line(text: str) -> str:
    """Header text: control characters could begin a header of their own."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:200]


def _answered(status: int, detail: str, code: str) -> Transient | Refused:
    """4xx: again later; 5xx: never as it is."""
    if 400 <= status < 500:
        return Transient(SYSTEM, OPERATION, f"{detail} for now ({status})")
    return Refused(SYSTEM, OPERATION, f"{detail} ({status})", code=code)
