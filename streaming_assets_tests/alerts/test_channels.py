"""Where messages go: what arrives there, and what is said when nothing does."""

import dataclasses
import json
import socket
import threading
import time
from email import message_from_string, policy

import pytest

from streaming_assets.alerts.channels import ChannelDownError, LogFile, MessageRefusedError
from streaming_assets.alerts.mail import Email
from streaming_assets.alerts.webhook import Webhook

from .servers import certificate_in, dribble, mail_server, webhook
from .situations import message

TEXT = "FAILING: <!channel> a & b\nsecond line"


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port: int = opened.getsockname()[1]
    return port


def test_the_log_has_one_line_per_message_that_is_read_by_grep_and_by_machines(tmp_path):
    log = LogFile(tmp_path / "new" / "alerts.log")
    log.send(message(1, TEXT))
    log.send(message(2))
    first, second = (json.loads(line) for line in log.file.read_text().splitlines())
    assert (first["at"], first["kind"], first["severity"]) == ("2026-03-06T03:01:00Z", "failing", "blocking")
    assert (first["owner"], first["about"], first["text"]) == ("team:x", ["a/b: c"], TEXT)
    assert second["subject"] == "FAILING: number 2"


def test_a_message_that_was_written_and_not_noted_is_not_written_twice(tmp_path):
    log = LogFile(tmp_path / "alerts.log")
    for number in (1, 2, 2, 3):
        log.send(message(number))
    assert [json.loads(line)["id"] for line in log.file.read_text().splitlines()] == ["id0001", "id0002", "id0003"]


def test_a_line_that_a_full_disk_cut_short_does_not_spoil_the_next_one(tmp_path):
    log = LogFile(tmp_path / "alerts.log")
    log.send(message(1))
    log.file.write_text(log.file.read_text()[:30])
    log.send(message(1))
    assert json.loads(log.file.read_text().splitlines()[1])["id"] == "id0001"


def test_a_log_that_cannot_be_written_says_why(tmp_path):
    (tmp_path / "alerts.log").mkdir()
    with pytest.raises(ChannelDownError, match=r"alerts.log: Is a directory"):
        LogFile(tmp_path / "alerts.log").send(message(1))


def test_a_webhook_takes_the_text_with_nothing_in_it_that_calls_people():
    with webhook() as hook:
        Webhook(hook.url).send(message(1, TEXT))
        assert hook.taken == ["FAILING: &lt;!channel&gt; a &amp; b\nsecond line"]


def test_a_webhook_behind_tls_takes_the_text(tmp_path, monkeypatch):
    certificate = certificate_in(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with webhook(certificate=certificate) as hook:
        Webhook(hook.url.replace("http:", "https:")).send(message(1, "hello"))
        assert hook.taken == ["hello"]


@pytest.mark.parametrize("status", [302, 404, 503])
def test_a_webhook_that_does_not_take_a_message_is_down_and_its_address_stays_secret(status):
    with webhook(status) as hook, pytest.raises(ChannelDownError) as down:
        Webhook(hook.url).send(message(1))
    assert str(down.value) == f"answered {status}"


def test_a_webhook_where_nobody_listens_is_down():
    with pytest.raises(ChannelDownError) as down:
        Webhook(f"http://127.0.0.1:{free_port()}/secret").send(message(1))
    assert str(down.value) == "ConnectionRefusedError: Connection refused"


def test_something_else_than_a_web_server_is_down():
    with mail_server() as mail, pytest.raises(ChannelDownError, match=r"^BadStatusLine$"):
        Webhook(f"http://127.0.0.1:{mail.port}/secret").send(message(1))


def test_a_mail_has_sender_recipients_subject_and_text():
    with mail_server() as server:
        Email("127.0.0.1", server.port, "dag@example.com", ("ann@x.org", "bo@x.org")).send(message(1, TEXT))
    (mail,) = (message_from_string(found, policy=policy.default) for found in server.mails)
    assert (mail["From"], mail["To"]) == ("dag@example.com", "ann@x.org, bo@x.org")
    assert mail["Subject"] == "[streaming_assets] FAILING: number 1"
    assert mail.get_content().splitlines() == TEXT.splitlines()
    assert [line for line in server.lines if line.startswith("rcpt")] == ["rcpt TO:<ann@x.org>", "rcpt TO:<bo@x.org>"]


def test_a_mail_server_that_can_encrypt_is_logged_in_to_and_sent_mail_encrypted(tmp_path, monkeypatch):
    certificate = certificate_in(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(certificate) as server:
        Email("127.0.0.1", server.port, "dag@x.org", ("ann@x.org",), "dag", "hunter2").send(message(1))
    assert (server.logged_in, server.was_encrypted) == (["dag:hunter2"], [True])


def test_a_mail_server_that_nobody_vouches_for_gets_neither_password_nor_mail(tmp_path):
    with mail_server(certificate_in(tmp_path)) as server, pytest.raises(ChannelDownError, match="SSLCertVerif"):
        Email("127.0.0.1", server.port, "dag@x.org", ("ann@x.org",), "dag", "hunter2").send(message(1))
    assert (server.logged_in, server.mails) == ([], [])


def test_a_password_is_not_sent_in_the_clear():
    with mail_server() as server, pytest.raises(ChannelDownError, match="no password is sent without it"):
        Email("127.0.0.1", server.port, "dag@x.org", ("ann@x.org",), "dag", "hunter2").send(message(1))
    assert [line for line in server.lines if line.upper().startswith("AUTH")] == []


def test_a_mail_server_that_takes_no_mail_is_down():
    with mail_server() as server:
        server.refuses = True
        with pytest.raises(ChannelDownError, match=r"^the mail server answered 451$"):
            Email("127.0.0.1", server.port, "dag@x.org", ("ann@x.org",)).send(message(1))


def slow(kind: str, port: int) -> Webhook | Email:
    """A channel that has half a second for a message."""
    if kind == "mail":
        return Email("127.0.0.1", port, "dag@x.org", ("ann@x.org", "bo@x.org", "cy@x.org"), seconds=0.5)
    return Webhook(f"{kind}://127.0.0.1:{port}/", seconds=0.5)


@pytest.mark.parametrize("kind", ["http", "https", "mail"])
def test_a_channel_that_answers_byte_by_byte_is_down_at_the_deadline_and_leaves_nothing_behind(
    kind, tmp_path, monkeypatch
):
    certificate = certificate_in(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    before = set(threading.enumerate())
    with dribble(certificate if kind == "https" else None) as port:
        began = time.monotonic()
        with pytest.raises(ChannelDownError, match=r"^no answer within 0.5 seconds$"):
            slow(kind, port).send(message(1))
        assert time.monotonic() - began < 1.5
    for thread in set(threading.enumerate()) - before:
        thread.join(2)
        assert not thread.is_alive()


def test_a_mail_server_has_the_time_of_one_message_for_all_of_its_answers():
    with mail_server() as server:
        server.seconds = 0.2
        with pytest.raises(ChannelDownError, match=r"^no answer within 0.5 seconds$"):
            slow("mail", server.port).send(message(1))
        server.hurry.set()
        slow("mail", server.port).send(message(2))
        assert len(server.mails) == 1


def test_a_tls_handshake_that_is_never_answered_ends_at_the_deadline():
    before = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ChannelDownError, match="no answer within"):
        slow("https", silent.getsockname()[1]).send(message(1))
    for thread in set(threading.enumerate()) - before:
        thread.join(2)
        assert not thread.is_alive()


@pytest.mark.parametrize("status", [400, 413])
def test_a_webhook_that_does_not_want_a_message_refuses_it(status):
    with webhook(status) as hook, pytest.raises(MessageRefusedError, match=f"^answered {status}$"):
        Webhook(hook.url).send(message(1))


@pytest.mark.parametrize("code", [552, 554])
def test_a_mail_server_that_does_not_want_a_message_refuses_it(code):
    with mail_server() as server:
        server.refuses_text = code
        with pytest.raises(MessageRefusedError, match=f"^the mail server answered {code}$"):
            slow("mail", server.port).send(message(1))


def test_a_long_text_is_cut_for_a_webhook_and_for_mail_and_whole_in_the_log(tmp_path):
    long = message(1, "&" * 300_000)
    log = LogFile(tmp_path / "alerts.log")
    log.send(long)
    with webhook(at_most=40_000) as hook, mail_server() as server:
        Webhook(hook.url).send(long)
        slow("mail", server.port).send(dataclasses.replace(long, subject="x" * 5_000))
        (text,), (mail,) = hook.taken, server.mails
    assert text.endswith("cut here; the log of the alerts has it whole")
    assert len(mail) < 200_000
    assert len(message_from_string(mail, policy=policy.default)["Subject"]) < 300
    assert len(json.loads(log.file.read_text())["text"]) == 300_000


def test_an_address_that_is_none_makes_a_channel_that_is_down():
    for odd in (Webhook("https://hooks..example.com/x"), Email(f"{'x' * 64}.org", 25, "dag@x.org", ("ann@x.org",))):
        with pytest.raises(ChannelDownError):
            odd.send(message(1))


def test_no_secret_is_shown_where_a_channel_is_printed_or_described():
    mail = Email("smtp.x.org", 587, "dag@x.org", ("ann@x.org",), "dag", "hunter2")
    hook = Webhook("https://hooks.slack.com/services/T0/B0/hunter2")
    for channel in (mail, hook):
        assert "hunter2" not in repr(channel) + channel.described
    assert (mail.described, hook.described) == ("e-mail to ann@x.org by smtp.x.org:587", "webhook at hooks.slack.com")
