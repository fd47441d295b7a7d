"""By mail: a short digest, and the workbook only where it is encrypted.

Belongs here: the message and the talk with the server. Not here: who still waits for it (`remembered`). What the server took on for
some recipients and refused for others is told apart; what it takes and then refuses (after DATA) was delivered to nobody. Where the
line is to be encrypted, nothing but the wish for it is said before it is, to a server that has proved who it is.
"""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING

from pipelines.delivery.remembered import Sent, plain
from pipelines.errors import MailSecurityError, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assets.project import Project
    from assets.settings import Mail
    from pipelines.delivery.parcels import Parcel

IMPLICIT = 465
LOCAL = ("localhost", "127.0.0.1", "::1")
XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")


def lacks(project: Project, department: str) -> str:  # noqa: ARG001 - one signature for all channels
    """What of the section `mail` is not set."""
    from assets.secrets import SecretError

    mail = project.settings.mail
    missing = [name for name in ("host", "sender") if not getattr(mail, name)]
    if missing:
        return f"未设置 not set: {', '.join('mail.' + name for name in missing)}（yuanqing.toml [mail]）"
    if bool(mail.user) != bool(mail.password_from):
        return "mail.user 与 mail.password_from 须一并设置 must be set together"
    if mail.user and not (mail.starttls or mail.port == IMPLICIT or mail.host in LOCAL):
        return "不经加密不送密码 a password is not sent in clear: mail.starttls = true"
    try:
        _password(mail)
        _context(mail)
    except SecretError as error:
        return str(error)
    except OSError as error:  # of the file, or of what is in it
        return f"mail.ca_file {mail.ca_file}: 不是 PEM 证书 no certificates in PEM ({error.strerror or type(error).__name__})"
    return ""


def message(project: Project, parcel: Parcel, to: Sequence[str]) -> EmailMessage:
    """The digest, with each workbook that is encrypted, as long as they are not too large together."""
    from pipelines.workbooks.locking import is_locked

    mail = project.settings.mail
    made = EmailMessage()
    made["Subject"] = parcel.subject
    made["From"] = str(mail.sender)
    made["To"] = ", ".join(to)
    made["Date"] = format_datetime(parcel.at.astimezone())
    made["Message-ID"] = f"<{parcel.id}@{str(mail.sender).rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    books = [(file.name, data) for file in parcel.workbooks if is_locked(data := file.read_bytes())]
    fits = sum(len(data) for _, data in books) <= mail.attach_up_to_mb << 20
    told = ""
    if books:
        told = "\n" + (
            "附件是加密的更正清单，密码另行约定。 Attached is the encrypted workbook; its password was agreed upon otherwise.\n"
            if fits
            else "更正清单过大，未附上，请从报告页下载。 The workbook is too large to attach; it is beside the report.\n"
        )
    made.set_content(parcel.text + told, cte="base64")
    for name, data in books if fits else ():
        made.add_attachment(data, maintype=XLSX[0], subtype=XLSX[1], filename=name)
    return made


def send(project: Project, parcel: Parcel, to: Sequence[str]) -> Sent:
    """Send the digest to these addresses in one go; never raises for what a server or the network does."""
    mail = project.settings.mail
    password = _password(mail)
    server: smtplib.SMTP | None = None
    try:
        made = message(project, parcel, to)
        server = _connected(mail, password)
        refused = server.send_message(made, from_addr=str(mail.sender), to_addrs=list(to))
    except smtplib.SMTPRecipientsRefused as error:
        return Sent(ok=False, refused=tuple(error.recipients), reason=plain(_refusals(error.recipients), password))
    except smtplib.SMTPResponseException as error:
        words = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else str(error.smtp_error)
        return Sent(ok=False, reason=plain(f"{type(error).__name__} {error.smtp_code} {words}", password))
    except MailSecurityError as error:
        return Sent(ok=False, reason=plain(told(error), password))
    except (OSError, smtplib.SMTPException) as error:
        return Sent(ok=False, reason=plain(f"{mail.host}:{mail.port} {type(error).__name__}: {error}", password))
    finally:
        if server is not None:
            with suppress(OSError, smtplib.SMTPException):  # it has the mail, whatever it says to our leaving
                server.quit()
            server.close()
    got = tuple(a for a in to if a not in refused)
    return Sent(ok=True, got=got, refused=tuple(refused), reason=plain(_refusals(refused), password))


def _connected(mail: Mail, password: str) -> smtplib.SMTP:
    """A server to which the message can be given. Raises `MailSecurityError` where it is not as safe as it was to be, `OSError`."""
    at = f"{mail.host}:{mail.port}"
    server: smtplib.SMTP | None = None
    try:
        if mail.port == IMPLICIT:
            server = smtplib.SMTP_SSL(mail.host, mail.port, timeout=mail.timeout, context=_context(mail))
        else:
            server = smtplib.SMTP(mail.host, mail.port, timeout=mail.timeout)
            if mail.starttls:
                _encrypt(server, at, _context(mail))
        if mail.user:
            server.login(mail.user, password)
    except BaseException as error:
        if server is not None:
            server.close()
        if isinstance(error, ssl.SSLCertVerificationError):
            raise MailSecurityError(
                f"{at} 证书不可信，未送。设 mail.ca_file，或换服务器的证书。 Its certificate is not trusted: {error.verify_message}"
            ) from None
        if isinstance(error, ssl.SSLError):
            raise MailSecurityError(f"{at} 加密失败，未送。 TLS failed, nothing was sent: {error.reason or error}") from None
        raise
    return server


def _encrypt(server: smtplib.SMTP, at: str, context: ssl.SSLContext) -> None:
    server.ehlo_or_helo_if_needed()
    if not server.has_extn("starttls"):
        raise MailSecurityError(f"{at} 不支持 STARTTLS，未送。 It does not encrypt (no STARTTLS); nothing was sent. Port 465?")
    server.starttls(context=context)


def _context(mail: Mail) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=mail.ca_file)


def _password(mail: Mail) -> str:
    from assets.secrets import secret

    return secret(mail.password_from) if mail.password_from else ""


def _refusals(refused: dict[str, tuple[int, bytes]]) -> str:
    """The servers' words, each once."""
    said = dict.fromkeys(f"{code} {words.decode('utf-8', 'replace')}" for code, words in refused.values())
    return f"{len(refused)} 个收件人被拒 recipients refused: {'; '.join(said)}" if refused else ""
