"""Who failed is told: by the daemon every half minute, by the command line at the end of a run, by both but once."""

import dataclasses
import datetime as dt
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import dagster as dg

from streaming_assets.alerts import record as records
from streaming_assets.alerts.channels import Channel, LogFile
from streaming_assets.alerts.mail import Email
from streaming_assets.alerts.messages import Wording, shortened, title_of
from streaming_assets.alerts.record import Record, RecordUnreadableError, SetAside
from streaming_assets.alerts.standing import FailedRun
from streaming_assets.alerts.telling import Found, deliver, looked, put_right, with_channels
from streaming_assets.alerts.webhook import Webhook
from streaming_assets.automation.clock import Clock
from streaming_assets.automation.failed_runs import failed_runs, last_green
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.failures import OpenFailure, open_failures
from streaming_assets.lake.lake import Lake
from streaming_assets.lake.lock import exclusive, is_writing
from streaming_assets.settings import Settings

Advice = Mapping[tuple[str, str], str]
"""What to do when a check fails, by (asset, check)."""

EVERY_SECONDS = 30
WAIT_FOR_WRITER = dt.timedelta(minutes=10)
"""How long a look waits for a run to end, so that checks that fail together are told together."""

# The lock file keeps other processes out, and this the other threads of the code server.
_one_at_a_time = threading.Lock()


def record_file(settings: Settings) -> Path:
    """Where it is kept what was told and what waits."""
    return settings.alerts_dir / "delivered.json"


def channels_of(settings: Settings) -> list[Channel]:
    """The log file, and what else is configured."""
    found: list[Channel] = [LogFile(settings.alert_log)]
    if settings.alert_webhook is not None:
        found.append(Webhook(settings.alert_webhook))
    if settings.alert_smtp is not None and settings.alert_email_from is not None:
        found.append(
            Email(
                *settings.alert_smtp,
                settings.alert_email_from,
                settings.alert_email_to,
                settings.alert_smtp_user,
                settings.alert_smtp_password,
            )
        )
    return found


def tell(
    settings: Settings,
    instance: dg.DagsterInstance,
    clock: Clock,
    advice: Advice,
    wait_for_writer: dt.timedelta = dt.timedelta(),
) -> Record:
    """Look at what stands failed, note what is news, and give every channel what waits for it; the record then.

    While a run is writing nothing is looked at until so long after the last look. Raises OSError where the record cannot
    be written, RecordUnreadableError where it cannot be read; nothing is told then that would be told again.
    """
    file = record_file(settings)
    with _one_at_a_time, exclusive(settings.alerts_dir / ".lock"):
        channels = channels_of(settings)
        now = clock()
        record = with_channels(put_right(records.load(file), now), [channel.name for channel in channels], now)
        last = record.looked_at
        if last is None or now - last >= wait_for_writer or not is_writing(settings.lake_dir):
            record = looked(record, _found(settings, instance, record, now), Wording(settings.ui_url, advice), now)
        records.save(record, file)
        return deliver(record, channels, lambda after: records.save(after, file), clock, time.monotonic)


def alerts_sensor(settings: Settings, clock: Clock, advice: Advice) -> dg.SensorDefinition:
    """The daemon's teller."""

    @dg.sensor(
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells every channel once of each failed check and run, and of its recovery.",
    )
    def alerts_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return dg.SkipReason(summary(tell(settings, context.instance, clock, advice, WAIT_FOR_WRITER)))

    return alerts_sensor


def summary(record: Record) -> str:
    """What stands failed, and which channels take nothing, on one line."""
    standing = f"{len(record.checks)} checks and {len(record.runs)} jobs stand failed"
    return "; ".join([standing, *troubles(record)])


def status_lines(settings: Settings) -> Iterator[str]:
    """Jobs that stand failed as of the last look, the channels, and what waits for those that are down."""
    channels = f"alerts     {'; '.join(channel.described for channel in channels_of(settings))}"
    try:
        record = records.load(record_file(settings))
    except RecordUnreadableError as error:
        yield from (channels, f"  none is sent: {error}")
        return
    runs = [run for run, _ in record.runs]
    count = {0: "no job stands failed", 1: "1 job stands failed:"}.get(len(runs), f"{len(runs)} jobs stand failed:")
    yield f"runs       {count}"
    yield from (f"  {title_of(run.job)}: {_told_of(run, settings.ui_url)}" for run in runs)
    yield channels
    yield from (f"  {trouble}" for trouble in troubles(record))


def _told_of(run: FailedRun, ui_url: str) -> str:
    return (
        f"since {run.failed_at:%Y-%m-%d %H:%M} UTC, {shortened(run.error)}; see {ui_url}/runs/{run.run_id}, and run it again "
        "there once the cause is away: a green run ends it"
    )


def troubles(record: Record) -> Iterator[str]:
    """Which channels take nothing, since when, how much waits for them, and what they did not want."""
    for name, outbox in record.outboxes.items():
        waiting = f"{len(outbox.waiting):,} messages wait" if len(outbox.waiting) != 1 else "1 message waits"
        if outbox.dropped:
            waiting += f", {outbox.dropped:,} older ones were dropped"
        if outbox.down_since is not None:
            yield f"{name} is down since {outbox.down_since:%Y-%m-%d %H:%M} UTC ({outbox.error}): {waiting}"
        elif outbox.waiting:
            yield f"{name}: {waiting}"
        if outbox.set_aside is not None:
            yield _told_of_what_was_set_aside(name, outbox.set_aside)


def _told_of_what_was_set_aside(channel: str, aside: SetAside) -> str:
    return (
        f"{channel} did not want {aside.messages:,} messages, the last at {aside.at:%Y-%m-%d %H:%M} UTC ({aside.error}); "
        f"the log has them: {aside.subject}"
    )


def _found(settings: Settings, instance: dg.DagsterInstance, record: Record, now: dt.datetime) -> Found:
    failed = failed_runs(instance, record.seen, record.runs_until, now)
    runs = [*(run for run, _ in record.runs), *failed.runs]
    since = min((run.failed_at for run in runs), default=dt.datetime.max)
    green = last_green(instance, [run.job for run in runs], since, now)
    return Found(_standing(settings), failed.runs, green, failed.seen, failed.until)


def _standing(settings: Settings) -> list[OpenFailure]:
    if not settings.lake_dir.is_dir():
        return []
    # A handful of rows: the engine of a run may have all the memory but this.
    small = dataclasses.replace(settings, threads=1, memory_limit="100MB")
    with duckdb_engine(small) as engine:
        return open_failures(Lake(small, engine))
