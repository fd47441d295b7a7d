"""Reports reach a folder, mail and a webhook, each publication once; a failure is seen, and not repeated to those who have it."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from delivery_support import SECRET, Hook, Post, Site, listening
from typer.testing import CliRunner

from assets.project import Project
from assets.settings import SettingsError
from pipelines.cli import app
from pipelines.commands.doctor import findings
from pipelines.delivery import deliver, planned, undelivered
from pipelines.delivery.mail import message
from pipelines.delivery.remembered import Tried, standing
from pipelines.errors import DeliveryError
from pipelines.journal import entries, verify
from pipelines.workbooks.locking import locked

A, B = "clerk@police.example.org", "head@police.example.org"


def mailing(post: Post, to: tuple[str, ...] = (A, B), more: str = "") -> str:
    return (
        f'[mail]\nhost = "127.0.0.1"\nport = {post.port}\nsender = "quality@example.org"\nstarttls = false\ntimeout = 5\n{more}\n'
        f"[departments.police]\nmail_to = {json.dumps(list(to))}\n"
    )


def states(found: Any) -> list[tuple[str, str, str, int]]:
    return [(s.department, s.channel, s.state, s.tries) for s in found]


def kept(project: Project) -> list[dict[str, Any]]:
    return [e.content for e in entries(project, "deliver")]


def test_a_mail_holds_the_digest_and_goes_once(site: Site, post: Post) -> None:
    project = site.set(mailing(post))
    assert states(deliver(project)) == [("police", "mail", "delivered", 0)]
    assert states(deliver(project)) == [("police", "mail", "delivered", 0)]
    ((to, mail),) = post.taken
    assert sorted(to) == [A, B]
    assert mail["To"] == f"{A}, {B}"
    assert "源清数据质量" in mail["Subject"]
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "号码必填：3 行" in text
    assert "http://127.0.0.1:3001/police/index.html" in text
    assert list(mail.iter_attachments()) == []  # the workbook is not encrypted
    (entry,) = kept(project)
    assert (entry["result"], entry["recipients"], entry["refused"], entry["attempt"]) == ("delivered", 2, 0, 1)
    assert "example.org" not in json.dumps(entry)  # no address stands in the journal
    assert verify(project) == []


def test_only_an_encrypted_workbook_goes_by_mail(site: Site, post: Post) -> None:
    project = site.set(mailing(post))
    plain = project.reports / "police" / "police.xlsx"
    xlsxwriter.Workbook(plain).close()
    plain.with_name("police.2.xlsx").write_bytes(locked(plain.read_bytes(), "2199"))
    deliver(project)
    attached = [(part.get_filename(), part.get_content()[:4]) for part in post.taken[0][1].iter_attachments()]
    assert attached == [("police.2.xlsx", b"\xd0\xcf\x11\xe0")]
    project = site.set(mailing(post, more="attach_up_to_mb = 0"))
    ((parcel, _),) = planned(project)
    assert list(message(project, parcel, [A]).iter_attachments()) == []


def test_a_server_that_takes_the_mail_and_then_fails_has_delivered_nothing(site: Site, post: Post, later: Any) -> None:
    post.data = f"554 transaction failed for {A}"
    project = site.set(mailing(post, more="[deliver]\ntries = 3\nwait_minutes = 10"))
    (first,) = deliver(project)
    assert (first.state, first.tries, post.tried) == ("failed", 1, 1)
    assert "554 transaction failed for ***" in first.reason
    deliver(project)  # not before its time
    later(minutes=9)
    deliver(project)
    assert post.tried == 1
    later(minutes=2)
    (second,) = deliver(project)
    assert (second.state, second.tries, post.tried) == ("failed", 2, 2)
    assert second.again is not None
    assert second.at is not None
    assert second.again - second.at == timedelta(minutes=20)
    later(minutes=21)
    assert states(deliver(project)) == [("police", "mail", "given_up", 3)]
    later(days=9)
    deliver(project)
    assert post.tried == 3
    assert [s.state for s in undelivered(project)] == ["given_up"]
    (seen,) = [f for f in findings(project) if f[0] == "delivery"]
    assert (seen[1], "police, mail: 失败 3 次" in seen[2]) == (False, True)

    post.data = "250 OK"
    assert states(deliver(project, now=True)) == [("police", "mail", "delivered", 3)]
    assert len(post.taken) == 1
    assert undelivered(project) == []


def test_those_who_have_it_do_not_get_it_again(site: Site, post: Post) -> None:
    post.refuses = {B}
    project = site.set(mailing(post, more="[deliver]\nwait_minutes = 0"))
    (found,) = deliver(project)
    assert (found.state, found.tries, found.to) == ("failed", 1, (B,))
    assert "1 个收件人被拒" in found.reason
    assert B not in found.reason
    post.refuses = set()
    assert states(deliver(project)) == [("police", "mail", "delivered", 1)]
    assert [to for to, _ in post.taken] == [[A], [B]]
    assert post.taken[0][1]["Message-ID"] == post.taken[1][1]["Message-ID"]
    assert [e["result"] for e in kept(project)] == ["partial", "delivered"]


def test_one_digest_a_day(site: Site, post: Post, later: Any) -> None:
    project = site.set(mailing(post))
    deliver(project)
    project = site.publish_again()
    assert states(deliver(project)) == [("police", "mail", "held", 0)]
    assert len(post.taken) == 1
    later(days=1)
    assert states(deliver(project)) == [("police", "mail", "delivered", 0)]
    assert len(post.taken) == 2


def test_no_server_and_no_encryption_are_failures_that_are_seen(site: Site, post: Post) -> None:
    project = site.set(mailing(post).replace("starttls = false", ""))
    (found,) = deliver(project)
    assert (found.state, post.tried) == ("failed", 0)  # nothing goes out in clear where STARTTLS was asked for
    assert "STARTTLS" in found.reason
    project = site.set(mailing(Post(port=1)))
    (found,) = deliver(project, now=True)
    assert (found.state, found.tries) == ("failed", 2)


@pytest.mark.parametrize("address", ["a@b.cn\nBcc: x@y.cn", "a@b.cn\r\n", "A <a@b.cn>", "a@b.cn, c@d.cn", "a b@c.cn", "", "号@b.cn"])
def test_an_address_that_could_do_harm_is_refused(site: Site, address: str) -> None:
    with pytest.raises(SettingsError, match=r"departments\.police\.mail_to\.0.*no mail address"):
        _ = site.set(f"[departments.police]\nmail_to = [{json.dumps(address)}]\n").settings


def test_a_subject_has_one_line(site: Site, post: Post) -> None:
    project = site.set(mailing(post))
    ((parcel, _),) = planned(project)
    assert "\n" not in parcel.subject
    broken = type(parcel)(**{**vars(parcel), "subject": "x\nBcc: other@example.org"})
    with pytest.raises(ValueError, match="linefeed"):
        message(project, broken, [A])


def test_what_is_not_set_up_is_told_and_no_try(site: Site, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    project = site.set(f'[departments.police]\nmail_to = ["{A}"]\n')
    with pytest.raises(DeliveryError, match=r"police, mail: .*mail\.host, mail\.sender"):
        deliver(project)
    secret = 'user = "u"\npassword_from = "env:MAIL_PASSWORD"'
    monkeypatch.delenv("MAIL_PASSWORD", raising=False)
    project = site.set(mailing(post, more=secret))
    with pytest.raises(DeliveryError, match="env:MAIL_PASSWORD"):
        deliver(project)
    with pytest.raises(DeliveryError, match="not sent in clear"):
        deliver(site.set(mailing(post, more=secret).replace("127.0.0.1", "mail.example.org")))
    with pytest.raises(DeliveryError, match=r"Did you mean|police"):
        deliver(project, ["polic"])
    with pytest.raises(DeliveryError, match=r"\[departments\.transport\]"):
        deliver(project, ["transport"])
    assert kept(project) == []


def hooked(hook: Hook, path: str = "/in") -> str:
    return f'[departments.police]\nwebhook = "{hook.address}{path}"\nwebhook_secret_from = "env:HOOK_SECRET"\n'


def test_a_webhook_is_signed_and_called_once(site: Site, hook: Hook) -> None:
    project = site.set(hooked(hook))
    deliver(project)
    deliver(project)
    ((path, headers, body),) = hook.calls
    assert path == "/in"
    expected = hmac.new(SECRET.encode(), f"{headers['X-Yuanqing-Timestamp']}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["X-Yuanqing-Signature"] == f"sha256={expected}"
    told = json.loads(body)
    assert (told["department"], told["ranked"] <= told["score"], told["first"][0]["rule"]) == ("police", True, "id_there")
    deliver(site.publish_again())  # a new publication is a new call
    assert len(hook.calls) == 2
    assert hook.calls[1][1]["X-Yuanqing-Delivery"] != headers["X-Yuanqing-Delivery"]


def test_a_webhook_is_not_led_elsewhere(site: Site, hook: Hook) -> None:
    other, server = listening()
    try:
        for code in (301, 302, 307, 308):
            hook.answers = [(code, {"Location": f"{other.address}/in"})]
            (found,) = deliver(site.set(hooked(hook)), now=True)
            assert (found.state, f"HTTP {code}" in found.reason) == ("failed", True)
        assert other.calls == []
        hook.answers = [(307, {"Location": "/there"}), (200, {})]
        assert states(deliver(site.project, now=True)) == [("police", "webhook", "delivered", 4)]
        assert [path for path, _, _ in hook.calls][-2:] == ["/in", "/there"]
        hook.answers = [(307, {"Location": "/round"})]
        (found,) = deliver(site.publish_again())
        assert "more than 3 redirects" in found.reason
    finally:
        server.shutdown()
        server.server_close()


def test_an_address_with_a_key_is_a_secret(site: Site, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "http://127.0.0.1:1/in?key=very-secret")
    project = site.set(hooked(hook).replace(f"{hook.address}/in", "env:HOOK"))
    (found,) = deliver(project)
    said = CliRunner().invoke(app, ["--root", str(site.root), "--data", str(project.data), "deliver", "status"]).output
    assert found.state == "failed"
    assert "very-secret" not in found.reason + said + json.dumps(kept(project)) + str(list(entries(project)))
    monkeypatch.setenv("HOOK", "ftp://127.0.0.1/very-secret")
    with pytest.raises(DeliveryError, match=r"env:HOOK: .*no http\(s\) address") as error:
        deliver(project, now=True)
    assert "very-secret" not in str(error.value)


def test_a_folder_gets_page_workbook_and_digest_once(site: Site, tmp_path: Path) -> None:
    share = tmp_path / "share"
    project = site.set(f'[departments.police]\ndeliver_to_folder = "{share}"\n[deliver]\nwait_minutes = 0\n')
    (found,) = deliver(project)
    assert (found.state, "no such folder" in found.reason, share.exists()) == ("failed", True, False)
    share.mkdir()
    assert states(deliver(project)) == [("police", "folder", "delivered", 1)]
    (folder,) = share.iterdir()
    assert sorted(p.name for p in folder.iterdir()) == ["digest.txt", "index.html", "police.xlsx"]
    (folder / "index.html").unlink()
    deliver(project)
    assert not (folder / "index.html").exists()  # what was delivered is not delivered again


def test_one_channel_that_fails_keeps_no_other_from_its_report(site: Site, post: Post, hook: Hook) -> None:
    post.data = "451 later"
    text = mailing(post) + hooked(hook).partition("\n")[2] + f'[departments.transport]\nmail_to = ["{A}"]\n'
    project = site.set(text)
    assert states(deliver(project)) == [
        ("police", "mail", "failed", 1),
        ("police", "webhook", "delivered", 0),
        ("transport", "mail", "failed", 1),
    ]


def test_a_report_of_another_publication_is_not_sent(site: Site, post: Post) -> None:
    site.set(mailing(post))
    with pytest.raises(DeliveryError, match="yuanqing publish"):
        deliver(site.publish_again(days=1))
    assert post.tried == 0


def test_two_processes_at_once_deliver_once(site: Site, post: Post, hook: Hook) -> None:
    post.delay = 0.5
    project = site.set(mailing(post) + hooked(hook).partition("\n")[2])
    code = "from assets.project import Project; from pipelines.delivery import deliver; print(len(deliver(Project.at())))"
    environment = os.environ | {"YUANQING_ROOT": str(site.root), "YUANQING_DATA": str(project.data)}
    both = [subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE) for _ in range(2)]
    assert [p.communicate(timeout=120)[0] for p in both] == [b"2\n", b"2\n"]
    assert (len(post.taken), len(hook.calls), len(kept(project))) == (1, 1, 2)
    assert verify(project) == []


def test_a_partial_delivery_waits_and_holds_by_recipient(site: Site) -> None:
    """What each of two recipients had, by hand: A had the first publication today, B had none; a second publication has come."""
    from pipelines.delivery.remembered import mark

    project = site.set(f'[departments.police]\nmail_to = ["{A}", "{B}"]\n')
    morning = datetime(2026, 11, 2, 9)
    known = [Tried(morning, "one", "partial", frozenset({mark(A)}), "550")]
    same = standing(project, "police", "mail", "one", known, morning + timedelta(minutes=5))
    assert (same.state, same.to, same.is_due) == ("failed", (B,), True)
    second = standing(project, "police", "mail", "two", known, morning + timedelta(hours=1))
    assert (second.state, second.to) == ("new", (B,))  # A had one today
    known.append(Tried(morning + timedelta(hours=1), "two", "delivered", frozenset({mark(B)})))
    assert standing(project, "police", "mail", "two", known, morning + timedelta(hours=2)).state == "held"
    assert standing(project, "police", "mail", "two", known, morning + timedelta(days=1)).to == (A,)


def test_the_command(site: Site, post: Post) -> None:
    project = site.set(mailing(post))

    def call(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["--root", str(site.root), "--data", str(project.data), "deliver", *arguments])
        return done.exit_code, done.output

    code, said = call("--dry-run")
    assert (code, post.tried, kept(project)) == (0, 0, [])
    assert "号码必填：3 行" in said
    assert A not in said
    post.data = "554 no"
    assert call()[0] == 2
    code, said = call("status", "--json")
    assert (code, json.loads(said)[0]["state"], json.loads(said)[0]["tries"]) == (0, "failed", 1)
    post.data = "250 OK"
    assert call("--now", "--department", "police")[0] == 0
