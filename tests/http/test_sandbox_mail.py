"""The mail stand-in: a real client's mails are kept whole, bad days come on request, a restart forgets nothing."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.errors import Transient, Unclear
from integrations.mail import Mail, Mailer
from sandbox.clock import SandboxClock
from sandbox.faults import Fault
from sandbox.mail import MailStandIn
from sandbox.store import Store
from sandbox.traffic import Traffic

MAIL = Mail(
    to="Wiremu.Parata@lumenfjord.example",
    name="Wiremu Parata",
    subject="A licence waits for your decision: Ngô Thị Bích-Ngọc",
    text="Decide here:\n.\nhttp://127.0.0.1:8481/d/example\n",
    html="<p>Decide <a href='http://127.0.0.1:8481/d/example'>here</a></p>",
    message_id="card.7",
)


@pytest.fixture
def standin(tmp_path: Path) -> Iterator[MailStandIn]:
    store = Store(tmp_path / "mail.journal")
    server = MailStandIn(store, SandboxClock(), Traffic()).start()
    yield server
    server.stop()
    store.close()


def test_a_mail_arrives_whole_and_shows_in_the_traffic(standin: MailStandIn) -> None:
    Mailer(standin.url).send(MAIL)
    [kept] = standin.messages("wiremu.parata@lumenfjord.example")
    assert kept["subject"] == MAIL.subject and kept["message_id"] == "<card.7@lumenfjord.example>"
    assert kept["from"] == "seatkeeper@lumenfjord.example"
    assert "http://127.0.0.1:8481/d/example" in kept["text"] and "<p>Decide" in kept["html"]
    assert "\n.\n" in kept["text"]  # a line of one dot is no end
    [line] = standin.traffic.since(0, "mail")
    assert "Seatkeeper mailed wiremu.parata@" in line["sentence"] and "/d/example" in line["request_body"]
    assert not standin.messages("somebody.else@lumenfjord.example")


@pytest.mark.parametrize(
    ("fault", "trouble", "kept"),
    [
        (Fault("unavailable", "CONNECT", times=1), Transient, 0),
        (Fault("server_error", "MAIL", times=1), Transient, 0),
        (Fault("hang_up", "MAIL", times=1), Unclear, 0),
        (Fault("commit_then_hang_up", "MAIL", times=1), Unclear, 1),
    ],
)
def test_bad_days(standin: MailStandIn, fault: Fault, trouble: type[Exception], kept: int) -> None:
    standin.faults.add(fault)
    with pytest.raises(trouble):
        Mailer(standin.url).send(MAIL)
    assert len(standin.messages()) == kept
    Mailer(standin.url).send(MAIL)
    assert len(standin.messages()) == kept + 1


def test_commands_in_another_order_are_refused(standin: MailStandIn) -> None:
    with smtplib.SMTP("127.0.0.1", standin.port, timeout=5) as client:
        assert client.docmd("DATA")[0] == 503
        assert client.docmd("RCPT", "TO:<a@example.com>")[0] == 503
        assert client.docmd("VRFY", "a")[0] == 502
        assert client.noop()[0] == 250


def test_a_restart_remembers(tmp_path: Path) -> None:
    for expected in (1, 2):
        store = Store(tmp_path / "mail.journal")
        server = MailStandIn(store, SandboxClock(), Traffic()).start()
        Mailer(server.url).send(MAIL)
        assert len(server.messages()) == expected
        server.stop()
        store.close()
