"""Delivery: per channel, in order, noted when it is done, through dead channels and restarts."""

import dataclasses
import datetime as dt
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from streaming_assets.alerts.channels import ChannelDownError, LogFile, MessageRefusedError
from streaming_assets.alerts.mail import Email
from streaming_assets.alerts.messages import Message, Wording
from streaming_assets.alerts.record import WAIT_AT_MOST, Outbox, Record, RecordUnreadableError, load, save
from streaming_assets.alerts.telling import Found, deliver, looked, with_channels
from streaming_assets.alerts.webhook import Webhook
from streaming_assets.lake.failures import OpenFailure

from .servers import dribble, mail_server
from .situations import NIGHT, fails, message, run

WORDING = Wording("http://ui", {})
NOTHING: Sequence[OpenFailure] = ()
HALF_A_MINUTE = dt.timedelta(seconds=30)


@dataclass
class Ear:
    """A channel that can be switched off. heard: the subjects of what it took; unwanted: of what it never takes."""

    name: str
    is_down: bool = False
    heard: list[str] = field(default_factory=list)
    described: str = "an ear"
    unwanted: Sequence[str] = ()

    def send(self, message: Message) -> None:
        if self.is_down:
            raise ChannelDownError("switched off")
        if message.subject in self.unwanted:
            raise MessageRefusedError("answered 400")
        self.heard.append(message.subject)


@dataclass
class Teller:
    """One look after the other through a record on disk, as new processes would take them."""

    file: Path
    ears: list[Ear]
    now: dt.datetime = NIGHT

    def tell(self, *rows: OpenFailure, runs=()) -> Record:
        self.now += HALF_A_MINUTE
        record = with_channels(load(self.file), [ear.name for ear in self.ears], self.now)
        seen = {one.run_id: one.failed_at for one in runs}
        record = looked(record, Found(rows, runs, {}, {**record.seen, **seen}, self.now), WORDING, self.now)
        save(record, self.file)
        return deliver(record, self.ears, lambda after: save(after, self.file), lambda: self.now, self.seconds)

    def seconds(self) -> float:
        return (self.now - NIGHT).total_seconds()


@pytest.fixture
def teller(tmp_path: Path) -> Teller:
    return Teller(tmp_path / "alerts" / "delivered.json", [Ear("log"), Ear("webhook")])


ROW = fails("core/plays", "add_up", 5)
FAILING, RECOVERED = (f"{kind}: core/plays: add_up on 2026-03-05 (blocking)" for kind in ("FAILING", "RECOVERED"))


def test_every_channel_hears_of_a_failure_and_its_recovery_once_whatever_restarts(teller):
    for rows in ([ROW], [ROW], [], []):
        teller.tell(*rows)
    assert [ear.heard for ear in teller.ears] == [[FAILING, RECOVERED]] * 2


def test_a_dead_channel_keeps_nothing_from_the_others_and_gets_what_it_missed_in_order(teller):
    log, hook = teller.ears
    hook.is_down = True
    teller.tell(ROW)
    since = teller.now
    after = teller.tell()
    assert (log.heard, hook.heard) == ([FAILING, RECOVERED], [])
    assert after.outboxes["webhook"].down_since == since
    assert (len(after.outboxes["webhook"].waiting), after.outboxes["webhook"].error) == (2, "switched off")
    hook.is_down = False
    after = teller.tell()
    assert (log.heard, hook.heard) == ([FAILING, RECOVERED], [FAILING, RECOVERED])
    assert (after.outboxes["webhook"].waiting, after.outboxes["webhook"].down_since) == ((), None)


def test_what_a_channel_took_before_the_teller_was_killed_is_not_given_to_it_again(teller):
    class KilledError(Exception):
        pass

    @dataclass
    class Deadly(Ear):
        def send(self, message: Message) -> None:
            raise KilledError

    log = teller.ears[0]
    teller.ears[1] = Deadly("webhook")
    with pytest.raises(KilledError):
        teller.tell(ROW)
    hook = teller.ears[1] = Ear("webhook")
    teller.tell(ROW)
    assert (log.heard, hook.heard) == ([FAILING], [FAILING])


def test_a_slow_channel_takes_the_rest_the_next_time(teller):
    @dataclass
    class Slow(Ear):
        def send(self, message: Message) -> None:
            super().send(message)
            teller.now += dt.timedelta(seconds=3)

    slow = teller.ears[1] = Slow("webhook")
    rows = [fails("core/plays", "add_up", day) for day in (1, 2, 3)]
    rows = [dataclasses.replace(row, asset=f"{stage}/x") for row, stage in zip(rows, "abc", strict=True)]
    after = teller.tell(*rows)
    assert (len(slow.heard), len(after.outboxes["webhook"].waiting)) == (2, 1)
    teller.tell(*rows)
    assert len(slow.heard) == 3


def test_a_message_that_a_channel_never_wants_makes_way_after_some_tries_and_the_log_says_so(teller):
    log, hook = teller.ears
    hook.unwanted = (FAILING,)
    for tries in (1, 2):
        outbox = teller.tell(ROW).outboxes["webhook"]
        assert (outbox.error, outbox.refusals, outbox.down_since) == ("answered 400", tries, NIGHT + HALF_A_MINUTE)
    assert teller.tell().outboxes["webhook"].down_since is None
    assert hook.heard == [RECOVERED]
    aside = teller.tell().outboxes["webhook"].set_aside
    assert (aside.messages, aside.subject, aside.error) == (1, FAILING, "answered 400")
    assert log.heard == [FAILING, RECOVERED, f"UNDELIVERED: webhook answered 400, and does not get: {FAILING}"]
    teller.now += dt.timedelta(days=7)
    assert teller.tell().outboxes["webhook"].set_aside is None


def test_a_channel_that_is_down_between_two_refusals_does_not_make_a_message_make_way(teller):
    _, hook = teller.ears
    hook.unwanted = (FAILING,)
    teller.tell(ROW)
    hook.is_down = True
    for _ in range(5):
        teller.tell(ROW)
    hook.is_down, hook.unwanted = False, ()
    teller.tell(ROW)
    assert hook.heard == [FAILING]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"looked_at": null}', '{"messages": []}', "\ufeff"])
def test_a_record_that_is_none_is_refused_with_its_name_and_what_to_do(teller, text):
    teller.file.parent.mkdir()
    teller.file.write_text(text)
    with pytest.raises(RecordUnreadableError, match=rf"^{teller.file} is no record of alerts .* remove it, and what"):
        load(teller.file)


def test_a_record_of_before_messages_were_set_aside_is_read(teller):
    record = teller.tell(ROW)
    written = json.loads(teller.file.read_text())
    for outbox in written["outboxes"].values():
        del outbox["refusals"], outbox["set_aside"]
    teller.file.write_text(json.dumps(written))
    assert load(teller.file) == record


def test_the_log_is_written_and_mail_sent_though_the_webhook_never_ends_its_answer(tmp_path):
    with dribble() as port, mail_server() as server:
        channels = [
            LogFile(tmp_path / "alerts.log"),
            Webhook(f"http://127.0.0.1:{port}/", seconds=0.3),
            Email("127.0.0.1", server.port, "dag@x.org", ("ann@x.org",)),
        ]
        record = with_channels(Record(), [channel.name for channel in channels], NIGHT)
        record = looked(record, Found([ROW], [], {}, {}, None), WORDING, NIGHT)
        after = deliver(record, channels, lambda _: None, lambda: NIGHT, time.monotonic)
        assert len(server.mails) == len((tmp_path / "alerts.log").read_text().splitlines()) == 1
    waiting = {name: (len(outbox.waiting), outbox.error) for name, outbox in after.outboxes.items()}
    assert waiting == {"log": (0, ""), "webhook": (1, "no answer within 0.3 seconds"), "email": (0, "")}


def test_a_new_channel_hears_what_stands_failed_and_its_recovery_and_nothing_of_what_is_over(teller):
    (log, hook), over = teller.ears, fails("raw/users", "over", 1)
    teller.ears = [log]
    teller.tell(ROW, over)
    teller.tell(ROW)
    teller.ears = [log, hook]
    teller.tell(ROW)
    teller.tell()
    assert hook.heard == [FAILING, RECOVERED]


def test_a_channel_that_is_left_out_for_a_while_gets_what_it_missed_and_nothing_twice(teller):
    log, hook = teller.ears
    teller.tell(ROW)
    teller.ears = [log]
    teller.tell()
    teller.ears = [log, hook]
    teller.tell()
    assert hook.heard == [FAILING, RECOVERED]


def test_a_channel_that_is_left_out_for_a_week_is_forgotten(teller):
    teller.ears.pop()
    teller.tell(ROW)
    assert set(load(teller.file).outboxes) == {"log"}
    teller.ears.append(Ear("webhook"))
    teller.tell()
    teller.ears.pop()
    assert set(teller.tell().outboxes) == {"log", "webhook"}
    teller.now += dt.timedelta(days=7)
    assert set(teller.tell().outboxes) == {"log"}


def test_what_waits_for_a_dead_channel_is_bounded_and_what_made_way_is_counted():
    outbox = Outbox(NIGHT).with_([message(number) for number in range(WAIT_AT_MOST + 20)])
    assert (len(outbox.waiting), outbox.dropped, outbox.waiting[0].id) == (WAIT_AT_MOST, 20, "id0020")
    for _ in range(WAIT_AT_MOST):
        outbox = outbox.taken()
    assert (outbox.waiting, outbox.dropped) == ((), 0)


def test_the_record_does_not_grow_with_what_is_over(teller):
    teller.tell(ROW)
    teller.tell()
    small = teller.file.stat().st_size
    for _ in range(3):
        teller.tell(ROW)
        teller.tell()
    assert teller.file.stat().st_size == small


def test_the_record_is_read_as_it_was_written(teller):
    teller.ears[1].is_down = True
    record = teller.tell(ROW, fails("marts/retention", "adds_up"), runs=[run("publish", 1, assets=("core/plays",))])
    assert len(record.runs) == 1
    assert load(teller.file) == record


def test_a_job_that_never_runs_again_is_forgotten_after_a_month(teller):
    teller.tell(runs=[run("publish", 1)])
    teller.now += dt.timedelta(days=31)
    assert teller.tell().runs == ()
