"""Where messages go: what arrives there, and what is said when nothing does."""

import json
import socket
from email import message_from_string, policy

import pytest

from streaming_assets.alerts.channels import ChannelDownError, Email, LogFile, Webhook

from .servers import certificate_in, mail_server, webhook
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


def test_no_secret_is_shown_where_a_channel_is_printed_or_described():
    mail = Email("smtp.x.org", 587, "dag@x.org", ("ann@x.org",), "dag", "hunter2")
    hook = Webhook("https://hooks.slack.com/services/T0/B0/hunter2")
    for channel in (mail, hook):
        assert "hunter2" not in repr(channel) + channel.described
    assert (mail.described, hook.described) == ("e-mail to ann@x.org by smtp.x.org:587", "webhook at hooks.slack.com")
