"""What a person reads on the terminal: progress, the summary of a run, the state of the lake."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tqdm import tqdm

from streaming_assets.automation import alerting
from streaming_assets.automation.heartbeat import heartbeat_lines
from streaming_assets.automation.instance import local_instance
from streaming_assets.automation.jobs import (
    CHECK,
    COMPUTE_DAYS,
    COMPUTE_MARTS,
    DECIDE_EXPERIMENTS,
    GROUPS,
    INGEST,
    PUBLISH,
    REFRESH_ENTITIES,
    REFRESH_MODELS,
    STANDING_CHECKS,
)
from streaming_assets.automation.partitions import known_days
from streaming_assets.automation.pipeline import Step
from streaming_assets.automation.plan import (
    due_days,
    due_trainings,
    held_days,
    stale_experiments,
    stale_marts,
    stale_models,
    what_waits,
)
from streaming_assets.build import check_sets, sensor_seconds, utc_now
from streaming_assets.lake.days import Days, ranges_of
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.failures import open_failures, unchecked
from streaming_assets.lake.lake import LEDGER, Lake
from streaming_assets.lake.publish import RECORD, is_stale
from streaming_assets.lake.studies import load_experiments
from streaming_assets.settings import Settings
from streaming_assets.sources import load_sources

_SHOWN = 10
_TITLES = {
    INGEST: "read landed files",
    COMPUTE_DAYS: "compute days",
    REFRESH_ENTITIES: "refresh users and content",
    COMPUTE_MARTS: "compute marts",
    DECIDE_EXPERIMENTS: "decide experiments",
    REFRESH_MODELS: "train and score models",
    PUBLISH: "publish",
    CHECK: "check everything",
    STANDING_CHECKS: "ask what did not happen",
}


@contextmanager
def watch(job: str, days: Days | None, steps: int) -> Iterator[Callable[[str], None]]:
    """Progress of one job: a bar on a terminal, a line when it begins elsewhere."""
    title = _TITLES[job] + (f" {days}" if days else "")
    if not sys.stderr.isatty():
        print(f"{title} …", file=sys.stderr, flush=True)
        yield lambda step: None
        return
    with tqdm(total=steps, desc=title, unit="step", leave=False) as bar:

        def ended(step: str) -> None:
            bar.set_postfix_str(step.replace("__", "/"), refresh=False)
            bar.update()

        yield ended


def report(settings: Settings, steps: Sequence[Step]) -> bool:
    """Print what a run did and what is there now; whether everything is fine."""
    with duckdb_engine(settings) as engine:
        lake = Lake(settings, engine)
        sources = load_sources(settings.sources_dir)
        _print_steps(steps)
        broken_files = _print_files(lake)
        _print_audience(lake)
        _print_marts(lake)
        _print_decisions(lake)
        _print_models(lake)
        for problem in sources.errors:
            print(f"source definition refused: {problem}")
        refused = load_experiments(settings.experiments_file).errors
        for problem in refused:
            print(f"experiment refused: {problem}")
        standing = _print_failures(lake)
        if settings.database.exists():
            schemas = [group for group in GROUPS if group != "published"] + ["meta"]
            print(f"\nTables for any SQL tool: {settings.database} (schemas {', '.join(schemas)})")
        print("Lineage, checks and plots: make ui, then http://localhost:3000")
    errors = [error for step in steps for error in step.errors]
    for error in errors:
        print(f"\n{error}", file=sys.stderr)
    return not (errors or broken_files or standing or sources.errors or refused)


def checks_report(steps: Sequence[Step]) -> bool:
    """Print what the checks found; whether all blocking ones passed and none broke."""
    for step in steps:
        print(f"{step.checks_passed} checks passed, {len(step.failed_checks)} failed")
        for name in step.failed_checks:
            print(f"  failed: {name}")
        for error in step.errors:
            print(error, file=sys.stderr)
    return not any(step.errors or step.failed_blocking for step in steps)


def status(settings: Settings) -> str:
    """Files, days, stale tables and checks that stand failed, as text."""
    if not settings.lake_dir.is_dir():
        return f"There is no lake in {settings.data_dir} yet; `streaming-assets run` makes one."
    with duckdb_engine(settings) as engine:
        return "\n".join(_status_lines(Lake(settings, engine)))


def _status_lines(lake: Lake) -> Iterator[str]:
    settings = lake.settings
    ledger = lake.rows(LEDGER)
    counts = {
        status: sum(row["status"] == status for row in ledger) for status in sorted({row["status"] for row in ledger})
    }
    yield "files      " + (", ".join(f"{count:,} {status}" for status, count in counts.items()) or "none")
    sources = load_sources(settings.sources_dir)
    yield f"waiting    {what_waits(lake, sources)}"
    events = lake.snapshot("core/events")
    days = sorted({events.days_of(file) for file in events.files})
    yield "days       " + (f"{len(days):,} with events, {days[0]} to {days[-1]}" if days else "none")
    by_job = check_sets(settings)
    subjects = {found.subject: found.about for found_sets in by_job.values() for found in found_sets}
    daily = {found.subject: found.about for found in by_job[COMPUTE_DAYS]}
    due = due_days(lake, known_days(settings, utc_now()), daily)
    yield "pending    " + (", ".join(map(str, ranges_of(due))) or "no days")
    held = held_days(lake)
    if held:
        yield f"held       {', '.join(map(str, ranges_of(held)))}: a blocking check of raw stands failed"
    for name, stale in (
        ("marts", stale_marts(lake)),
        ("experiments", stale_experiments(lake)),
        ("models", stale_models(lake)),
    ):
        yield f"{name:<10} " + (", ".join(stale) + " to be made anew" if stale else "up to date")
    trainings = due_trainings(lake)
    yield "training   " + (f"{', '.join(trainings)} due" if trainings else "not due")
    for problem in load_experiments(settings.experiments_file).errors:
        yield f"refused    {problem}"
    yield "unchecked  " + (", ".join(unchecked(lake, subjects)) or "nothing")
    record = lake.rows(RECORD)
    if record:
        yield f"published  {record[0]['published_at']:%Y-%m-%d %H:%M} UTC, {'behind the lake' if is_stale(lake) else 'up to date'}"
    else:
        yield "published  never"
    failures = open_failures(lake)
    yield "failed     " + ("no check" if not failures else f"{len(failures)} checks:")
    yield from (f"  {'blocking' if one.is_blocking else 'warning '}  {one}  {one.numbers}" for one in failures)
    yield from alerting.status_lines(settings)
    with local_instance(settings) as instance:
        yield from heartbeat_lines(instance, utc_now(), sensor_seconds(settings))


def _print_steps(steps: Sequence[Step]) -> None:
    if not steps:
        print("Nothing is new: no file to read, no day to compute, nothing to publish.")
        return
    passed = sum(step.checks_passed for step in steps)
    failed = sum(len(step.failed_checks) for step in steps)
    for step in steps:
        title = _TITLES[step.job] + (f" {step.days}" if step.days else "")
        print(f"{title:<46} {step.materialised:>3} tables {step.checks_passed:>4} checks passed {step.seconds:7.1f} s")
    print(f"checks: {passed} passed, {failed} failed")


def _print_files(lake: Lake) -> bool:
    ledger = lake.rows(LEDGER)
    print(
        f"\n{len(ledger):,} files: {sum(row['rows'] for row in ledger):,} rows, {sum(row['rejected'] for row in ledger):,} rejected"
    )
    for row in sorted(ledger, key=lambda row: (-row["rejected"], row["path"]))[:_SHOWN]:
        print(
            f"  {row['path']:<44.44} {row['source'] or '-':<18.18} {row['rows']:>9,} rows {row['rejected']:>6,} rejected  {row['status']}"
        )
    if len(ledger) > _SHOWN:
        print(f"  … and {len(ledger) - _SHOWN:,} more; those with most rejected rows are shown")
    reasons = lake.read("raw/rejected_rows").reason.value_counts().order_by("reason").to_pyarrow().to_pylist()
    if reasons:
        print("  rejected: " + ", ".join(f"{row['reason']} {row['reason_count']:,}" for row in reasons))
    broken = [row for row in ledger if row["status"] in ("failed", "unclaimed")]
    for row in broken:
        print(f"  {row['path']}: {row['status']}: {row['error']}")
    return bool(broken)


def _print_audience(lake: Lake) -> None:
    numbers = lake.engine.connection.execute(
        f"""
        SELECT count(*), count(DISTINCT user_id), sum(plays), sum(watch_seconds) / 3600, avg(duration_seconds) / 60,
               min(session_date), max(session_date)
        FROM ({lake.read_sql("core/sessions")})
        """
    ).fetchone()
    assert numbers is not None  # noqa: S101 - an aggregate has one row
    sessions, users, plays, hours, minutes, first, last = numbers
    if not sessions:
        print("\nNo sessions yet.")
        return
    print(
        f"\n{plays:,} plays in {sessions:,} sessions by {users:,} users, {first} to {last}\n"
        f"{hours:,.0f} hours watched, {minutes:.0f} minutes per session, {plays / sessions:.1f} plays per session"
    )


def _print_marts(lake: Lake) -> None:
    ask = lake.engine.connection.execute
    latest = ask(f"SELECT * FROM ({lake.read_sql('marts/active_users')}) ORDER BY date DESC LIMIT 1").fetchone()
    if latest is None:
        return
    date, dau, wau, mau, _ratio = latest
    print(f"as of {date}: {dau:,} users on the day, {wau:,} in 7 days, {mau:,} in 28 days")
    kept = ask(
        f"""
        SELECT string_agg(format('D{{}} {{:.0f}} % ({{:,}} of {{:,}})', n, 100 * rate, n_retained, n_eligible), ', ' ORDER BY n)
        FROM ({lake.read_sql("marts/retention")})
        WHERE breakdown = 'overall' AND mode = 'exact' AND n IN (1, 7, 30) AND rate IS NOT NULL
        """
    ).fetchone()
    if kept and kept[0]:
        print(f"users who came back: {kept[0]}")
    top = ask(
        f"SELECT coalesce(title, content_id), plays_7d FROM ({lake.read_sql('marts/top_content_7d')}) ORDER BY rank, content_id LIMIT 3"
    ).fetchall()
    if top:
        print("most played in 7 days: " + ", ".join(f"{title} ({plays:,})" for title, plays in top))


def _print_decisions(lake: Lake) -> None:
    for row in sorted(lake.rows("experiments/decisions"), key=lambda row: row["experiment_id"]):
        print(f"experiment {row['experiment_id']}: {row['decision']}. {row['reasons'][0]}")


def _print_models(lake: Lake) -> None:
    for row in lake.rows("models/churn_champion"):
        print(f"churn: {row['outcome']}. {row['reason']}")
    at_risk = {row["value"]: row for row in lake.rows("models/churn_summary") if row["breakdown"] == "driver"}
    if any(row["users"] for row in at_risk.values()):
        most = sorted(at_risk.values(), key=lambda row: (-row["users"], row["value"]))
        print(
            "users at risk, by what it is associated with: "
            + ", ".join(f"{row['value']} {row['users']:,}" for row in most if row["users"])
        )
    for row in lake.rows("models/viewer_forecast"):
        if row["is_peak"]:
            band = "" if row["lo80"] is None else f" (80 % interval {row['lo80']:,.0f} to {row['hi80']:,.0f})"
            hint = ", from little history" if row["low_history"] else ""
            print(
                f"next 24 hours: most users at {row['hour_at']:%Y-%m-%d %H:%M} UTC, {row['expected']:,.0f}{band}, by {row['model']}{hint}"
            )
    for row in lake.rows("models/cluster_summary"):
        print(f"clusters: {row['reason']}")


def _print_failures(lake: Lake) -> bool:
    failures = open_failures(lake)
    for one in sorted(failures, key=lambda one: not one.is_blocking):
        print(f"{'BLOCKING' if one.is_blocking else 'warning'}: {one}  {one.numbers}")
    blocking = [one for one in failures if one.is_blocking]
    if blocking:
        print("What these checks block is held back; published tables keep their last state.")
    return bool(blocking)
