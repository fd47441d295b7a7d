"""Mail over TLS, by STARTTLS and from the start, against real servers on this machine: nothing goes to one that cannot be trusted."""

from __future__ import annotations

import ipaddress
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from delivery_support import Post, Site

from pipelines.delivery import deliver, undelivered
from pipelines.errors import DeliveryError
from pipelines.journal import entries

PASSWORD = "mail-password-2199"


def certificate(path: Path, *, of: str = "127.0.0.1", days: int = 1) -> ssl.SSLContext:
    """A server's certificate that vouches for itself, at `path` with its key; it ends in so many days, and is for the address `of`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail of the tests")])
    now = datetime.now()
    made = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now - timedelta(days=9), now + timedelta(days=days)
        )
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(of))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@dataclass
class Guarded(Post):
    """A mail server's memory: besides the mails whether each came over TLS, and how often somebody began one or told a password."""

    safe: list[bool] = field(default_factory=list)
    said: int = 0

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        self.said += 1
        self.safe.append(server.transport.get_extra_info("ssl_object") is not None)
        envelope.mail_from = address
        return "250 OK"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.said += 1
        self.safe.append(server.transport.get_extra_info("ssl_object") is not None)
        return AuthResult(success=data.password == PASSWORD.encode())


Serve = Callable[..., Guarded]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """`serve(context, how)`: a mail server with this certificate; `how`: starttls, implicit (on the port for it), clear."""
    running = []

    def serving(context: ssl.SSLContext | None, how: str) -> Guarded:
        memory = Guarded()
        with socket.create_server(("127.0.0.1", 0)) as free:
            memory.port = free.getsockname()[1]
        more: dict[str, Any] = {
            "starttls": {"tls_context": context, "require_starttls": True},
            "implicit": {"ssl_context": context, "auth_require_tls": False},  # it does not know that it is encrypted
            "clear": {"auth_require_tls": False},
        }[how]
        server = Controller(memory, hostname="127.0.0.1", port=memory.port, authenticator=memory.authenticate, **more)
        server.start()
        running.append(server)
        monkeypatch.setattr("pipelines.delivery.mail.IMPLICIT", memory.port if how == "implicit" else 465)
        return memory

    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    yield serving
    for server in running:
        server.stop()


def mailing(post: Post, more: str = "") -> str:
    return (
        f'[mail]\nhost = "127.0.0.1"\nport = {post.port}\nsender = "quality@example.org"\ntimeout = 5\n'
        f'user = "quality"\npassword_from = "env:MAIL_PASSWORD"\n{more}\n[departments.police]\nmail_to = ["clerk@example.org"]\n'
    )


@pytest.mark.parametrize("how", ["starttls", "implicit"])
def test_it_goes_to_a_server_that_is_trusted_and_to_no_other(site: Site, serve: Serve, tmp_path: Path, later: Any, how: str) -> None:
    """At first nobody vouches for its certificate: seen, with a code, and tried again in time; then the settings say who does."""
    pem = tmp_path / "mail.pem"
    post = serve(certificate(pem), how)
    project = site.set(mailing(post))
    (found,) = deliver(project)
    assert (found.state, found.tries, post.said) == ("failed", 1, 0)
    assert found.reason.startswith(f"YQ606 127.0.0.1:{post.port} 证书不可信")
    assert "self-signed certificate" in found.reason
    assert found.again is not None
    assert [s.reason for s in undelivered(project)] == [found.reason]
    project = site.set(mailing(post, f'ca_file = "{pem}"'))
    assert (deliver(project)[0].state, post.said) == ("failed", 0)  # not before its time
    later(minutes=6)
    assert deliver(project)[0].state == "delivered"
    assert [to for to, _ in post.taken] == [["clerk@example.org"]]
    assert post.safe == [True, True]  # the password, the mail
    assert PASSWORD not in json.dumps([e.content for e in entries(project)]) + str(list(entries(project)))


@pytest.mark.parametrize(
    ("how", "made", "said"),
    [
        ("implicit", {"of": "127.0.0.2"}, "not valid for '127.0.0.1'"),
        ("starttls", {"days": -1}, "expired"),
        ("clear", {}, "不支持 STARTTLS"),
    ],
)
def test_what_is_not_as_safe_as_it_was_to_be_gets_nothing(
    site: Site, serve: Serve, tmp_path: Path, how: str, made: dict[str, Any], said: str
) -> None:
    """Another's certificate, one that has ended, no encryption where it was asked for: neither mail nor password goes out."""
    pem = tmp_path / "mail.pem"
    post = serve(certificate(pem, **made), how)
    (found,) = deliver(site.set(mailing(post, f'ca_file = "{pem}"')))
    assert (found.state, found.tries, post.said) == ("failed", 1, 0)
    assert found.reason.startswith("YQ606 ")
    assert said in found.reason


def test_a_server_that_encrypts_in_the_other_way_is_a_failure_that_ends(site: Site, serve: Serve, tmp_path: Path) -> None:
    """TLS from the start to a server that waits to be asked for it."""
    post = serve(certificate(tmp_path / "mail.pem"), "starttls")
    project = site.set(mailing(post))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.delivery.mail.IMPLICIT", post.port)
        (found,) = deliver(project)
    assert (found.state, post.said) == ("failed", 0)
    assert "YQ606" in found.reason
    assert "TLS failed" in found.reason


def test_who_vouches_must_be_there(site: Site, serve: Serve, tmp_path: Path) -> None:
    """A file of certificates that is missing or holds none is told before anything is tried."""
    post = serve(None, "clear")
    (tmp_path / "none.pem").write_text("nothing", encoding="utf-8")
    for name in ("missing.pem", "none.pem"):
        project = site.set(mailing(post, f'ca_file = "{tmp_path / name}"'))
        with pytest.raises(DeliveryError, match=rf"mail\.ca_file .*{name}.*no certificates in PEM"):
            deliver(project)
    assert list(entries(project)) == []
