"""Experiments as their owners meet them: a file that they edit, verdicts, refusals, and no more work than there is."""

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from streaming_assets import contracts
from streaming_assets.contracts.experiments import TABLES, decisions
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.lake import Lake
from streaming_assets_tests.end_to_end.command_line import Outcome, streaming_assets
from streaming_assets_tests.end_to_end.data_folder import (
    DataFolder,
    differences,
    errors,
    failed_blocking,
    jobs,
)
from streaming_assets_tests.end_to_end.service import HOUR, ONE_DAY, lines, play

FIRST_DAY = dt.date(2026, 3, 1)
DAYS = 18
USERS = 30
Parts = Mapping[tuple[str, str], set[str]]
GROUPS = ("raw", "core", "experiments", "published")
DECIDE = ["decide_experiments"]


def march(day: int) -> dt.date:
    return dt.date(2026, 3, day)


def events_of(day: dt.date, random: Random) -> str:
    """Most of the users play in the morning or the evening, for some minutes; nobody skips anything."""
    midnight = dt.datetime.combine(day, dt.time())
    rows = [
        play(
            f"user {user}",
            midnight + hour * HOUR + user * dt.timedelta(minutes=1),
            f"title {random.randrange(4)}",
            float(random.randrange(100, 2_000)),
            creator=f"creator {random.randrange(6)}",
            country="US",
        )
        for user in range(USERS)
        for hour in (8, 20)
        if random.random() < 0.45
    ]
    return lines(rows)


def files_of(first: dt.date, days: int) -> dict[str, str]:
    random = Random(7)
    dates = [first + number * ONE_DAY for number in range(days)]
    return {f"events/{day}.jsonl": events_of(day, random) for day in dates}


def users_file(**plans: str) -> dict[str, str]:
    """Records of all users but two: premium, but for those whose plan is given."""
    rows = [
        {
            "user_id": f"user {user}",
            "signed_up_at": "2026-02-01",
            "plan": plans.get(f"user_{user}", "premium"),
        }
        for user in range(USERS - 2)
    ]
    return {f"users/{'-'.join(plans) or 'all'}.jsonl": lines(rows)}


def experiment(
    name: str, first: dt.date, last: dt.date, *more: str, variants: str = "{control: 50, treatment: 50}"
) -> str:
    """An entry of experiments.yaml; more: its other lines."""
    usual = [f"start: {first}", f"end: {last}", f"assignment: {{salt: {name}, variants: {variants}}}"]
    metric = [] if any(line.startswith("primary") for line in more) else ["primary: session_minutes"]
    return f"- id: {name}\n" + "".join(f"  {line}\n" for line in [*usual, *metric, *more])


EXPERIMENTS = {
    "ended": experiment(
        "ended", march(8), march(14), "guardrails: {d1_retention: 0.5}", "secondary: [watch_hours]", "min_lift: 0.02",
        "rollout: {population: 1000, value_per_session: 0.1}",
    ),
    "running": experiment("running", march(10), dt.date(2026, 4, 10), "analysis: sequential"),
    "later": experiment("later", dt.date(2026, 5, 1), dt.date(2026, 5, 31)),
    "nobody": experiment("nobody", march(8), march(14), "population: {country: [Atlantis]}"),
    "one_arm": experiment("one_arm", march(8), march(14), variants="{control: 4000, treatment: 1}"),
    "no_skips": experiment("no_skips", march(8), march(14), "primary: skip_rate"),
    "five_days": experiment("five_days", march(8), march(12), "primary: d30_retention"),
    "calm": experiment("calm", march(8), march(14), "kind: aa", "population: {plan: [premium]}"),
}  # fmt: skip


def configure(folder: DataFolder, entries: Mapping[str, str], *more: str) -> Path:
    file = folder.settings.experiments_file
    file.write_text("\n".join([*entries.values(), *more]))
    return file


def without(*names: str) -> dict[str, str]:
    return {name: entry for name, entry in EXPERIMENTS.items() if name not in names}


def run(folder: DataFolder, *groups: str) -> list[str]:
    steps = folder.run(groups=groups or GROUPS)
    assert not errors(steps)
    assert not failed_blocking(steps)
    return jobs(steps)


def command(folder: DataFolder, *arguments: object, **settings: str) -> Outcome:
    """What a person gets; a traceback is never a part of it."""
    told = streaming_assets(arguments[0], "--data-dir", folder.settings.data_dir, *arguments[1:], **settings)
    assert "Traceback" not in told.out + told.err
    return told


def tables(folder: DataFolder) -> dict[str, pa.Table]:
    """All rows, without the text of a roll-out's effect: its numbers may differ in their last digits."""
    found = {table.name: folder.table(table) for table in TABLES}
    return {**found, decisions.name: found[decisions.name].drop_columns(["rollout_effect"])}


def parts(folder: DataFolder) -> Parts:
    """By table and experiment, the Parquet files that hold its rows."""
    found: dict[tuple[str, str], set[str]] = {}
    with duckdb_engine(folder.settings) as engine:
        lake = Lake(folder.settings, engine)
        for table in TABLES:
            for file in lake.snapshot(table.name).files:
                found.setdefault((table.short_name, str(file.partition["experiment_id"])), set()).add(file.path)
    return found


def made_again(after: Parts, before: Parts) -> dict[str, set[str]]:
    """By table, the experiments whose files are others than before, or new, or gone."""
    changed: dict[str, set[str]] = {table.short_name: set() for table in TABLES}
    for table, name in after.keys() | before.keys():
        if after.get((table, name)) != before.get((table, name)):
            changed[table].add(name)
    return changed


def verdicts(folder: DataFolder) -> dict[str, str]:
    return {row["experiment_id"]: row["decision"] for row in folder.table(decisions).to_pylist()}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """Eighteen days and every experiment, computed and published; tests work on copies."""
    folder = DataFolder.at(tmp_path_factory.mktemp("service") / "data")
    folder.land({**files_of(FIRST_DAY, DAYS), **users_file()})
    configure(folder, EXPERIMENTS)
    assert run(folder)[-2:] == [*DECIDE, "publish"]
    return folder


@pytest.fixture
def copy(service: DataFolder, tmp_path: Path) -> DataFolder:
    return service.copy_to(tmp_path / "data")


class TestWhatIsDecided:
    def test_every_experiment_has_a_verdict_whatever_little_is_known(self, service: DataFolder):
        assert verdicts(service) == {
            "ended": "REVIEW",
            "running": "KEEP_RUNNING",
            "later": "KEEP_RUNNING",
            "nobody": "INVALID",
            "one_arm": "INVALID",
            "no_skips": "REVIEW",
            "five_days": "REVIEW",
            "calm": "CALIBRATION",
        }

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("running", "2026-04-10"),
            ("later", "not begun"),
            ("nobody", "no unit was exposed in control, treatment"),
            ("one_arm", "no unit was exposed in treatment"),
            ("no_skips", "the same for every unit"),
            ("five_days", "long enough"),
        ],
    )
    def test_the_reasons_say_what_is_the_matter(self, service: DataFolder, name: str, said: str):
        ((reasons,),) = service.query("SELECT reasons FROM experiments.decisions WHERE experiment_id = ?", name)
        assert said in " ".join(reasons)

    def test_days_left_are_counted_from_t(self, service: DataFolder):
        left = service.query(
            "SELECT experiment_id, days_left FROM experiments.decisions WHERE days_left > 0 ORDER BY 1"
        )
        assert left == [("later", 74), ("running", 23)]

    def test_units_are_the_users_of_the_population_that_played(self, service: DataFolder):
        units = dict(service.query("SELECT experiment_id, units FROM experiments.decisions"))
        assert (units["ended"], units["calm"], units["nobody"], units["later"]) == (USERS, USERS - 2, 0, 0)

    def test_no_published_number_is_none(self, service: DataFolder):
        floats = [
            (table.short_name, column.name) for table in TABLES for column in table.columns if column.type == "float64"
        ]
        for table, column in floats:
            wrong = service.query(
                f'SELECT DISTINCT experiment_id FROM experiments.{table} WHERE isnan("{column}") OR isinf("{column}")'
            )
            assert (table, column, wrong) == (table, column, [])

    def test_what_cannot_be_measured_is_null(self, service: DataFolder):
        measured = service.query(
            "SELECT DISTINCT experiment_id FROM experiments.results r JOIN experiments.decisions d USING (experiment_id) "
            "WHERE metric = primary_metric AND effect_low IS NOT NULL AND method = 'fixed' ORDER BY 1"
        )
        assert [name for (name,) in measured] == ["calm", "ended", "running"]


class TestOnlyWhatChangedIsComputedAgain:
    def test_nothing_new_runs_nothing(self, copy: DataFolder):
        assert run(copy) == []

    def test_comments_and_order_change_nothing(self, copy: DataFolder):
        configure(copy, dict(reversed(EXPERIMENTS.items())), "# That is all.")
        assert run(copy) == []


@dataclass(frozen=True)
class Edited:
    """A day that lands and one file edited twice, with a run after each: what was there before and after.

    With mistakes, as the day lands: `ended` ends before it starts and another has an unknown metric; `calm` was taken
    out, `added` is new. Mended: `ended` has another alpha, the one with the unknown metric is gone.
    """

    before: Mapping[str, pa.Table]
    parts_before: Parts
    file_with_mistakes: list[str]
    told: Outcome
    with_mistakes: Mapping[str, pa.Table]
    parts_with_mistakes: Parts
    mended: DataFolder


@pytest.fixture(scope="module")
def edited(service: DataFolder, tmp_path_factory: pytest.TempPathFactory) -> Edited:
    folder = service.copy_to(tmp_path_factory.mktemp("edited") / "data")
    before, parts_before = tables(folder), parts(folder)
    kept, added = without("calm"), experiment("added", march(9), march(13))
    broken = EXPERIMENTS["ended"].replace("end: 2026-03-14", "end: 2026-03-07")
    unknown = experiment("unknown", march(9), march(13), "primary: happiness")
    file = configure(folder, {**kept, "ended": broken}, added, unknown)
    lines_of_file = file.read_text().splitlines()
    folder.land(files_of(FIRST_DAY, DAYS + 1))
    told = command(folder, "run", "--groups", "raw,core,experiments")
    with_mistakes, parts_with_mistakes = tables(folder), parts(folder)
    configure(folder, {**kept, "ended": EXPERIMENTS["ended"] + "  alpha: 0.1\n"}, added)
    assert run(folder, "experiments", "published") == [*DECIDE, "publish"]
    return Edited(before, parts_before, lines_of_file, told, with_mistakes, parts_with_mistakes, folder)


@pytest.mark.slow
class TestADayThatLandsWhileTheFileHasMistakes:
    def test_is_computed_for_those_that_go_on_and_for_no_other(self, edited: Edited):
        changed = made_again(edited.parts_with_mistakes, edited.parts_before)
        assert changed["unit_metrics"] == {"running", "added"}
        # One that has not begun says how long it still takes.
        assert changed["decisions"] == {"running", "added", "later"}

    def test_mistakes_are_told_with_file_and_line_and_code_1(self, edited: Edited):
        assert edited.told.code == 1
        refused = [line for line in edited.told.out.splitlines() if line.startswith("experiment refused: ")]
        file, lines_of_file = edited.mended.settings.experiments_file, edited.file_with_mistakes
        assert [line.split(": ")[1] for line in refused] == [
            f"{file}:{lines_of_file.index(f'  {line}') + 1}" for line in ("end: 2026-03-07", "primary: happiness")
        ]
        assert "ended" in refused[0]
        assert "session_minutes" in refused[1]

    def test_mistakes_stop_no_other_experiment(self, edited: Edited):
        added = [row for row in edited.with_mistakes[decisions.name].to_pylist() if row["experiment_id"] == "added"]
        assert [row["units"] for row in added] == [USERS]
        assert "experiment added: REVIEW" in edited.told.out

    def test_nothing_is_taken_away_neither_what_is_wrong_now_nor_what_is_no_longer_named(self, edited: Edited):
        again = pc.field("experiment_id").isin(["added", "running", "later"])
        before, after = (
            {name: rows.filter(~again) for name, rows in found.items()}
            for found in (edited.before, edited.with_mistakes)
        )
        assert differences(after, before) == []
        assert {"ended", "calm"} <= set(after[decisions.name]["experiment_id"].to_pylist())

    def test_a_file_that_is_no_yaml_leaves_everything(self, copy: DataFolder):
        file, before = copy.settings.experiments_file, copy.versions()
        file.write_text(file.read_text() + "- id: [\n")
        told = command(copy, "run", "--groups", "experiments,published")
        assert (told.code, copy.versions()) == (1, before)
        assert f"experiment refused: {file}:" in told.out


@pytest.mark.slow
class TestAFileThatWasMended:
    def test_takes_rows_of_what_it_no_longer_names_away(self, edited: Edited):
        for name, rows in tables(edited.mended).items():
            assert "calm" in edited.with_mistakes[name]["experiment_id"].to_pylist()
            assert "calm" not in rows["experiment_id"].to_pylist()
        assert set(verdicts(edited.mended)) == {*without("calm"), "added"}
        assert edited.mended.query("SELECT * FROM experiments.unit_days WHERE experiment_id = 'calm'") == []

    def test_computes_what_it_changes_and_leaves_the_files_of_all_others(self, edited: Edited):
        changed = made_again(parts(edited.mended), edited.parts_with_mistakes)
        assert changed == {table.short_name: {"ended", "calm"} for table in TABLES}

    def test_leaves_nothing_to_do(self, edited: Edited):
        assert run(edited.mended) == []


def test_without_a_file_there_are_no_experiments_and_readers_find_empty_tables(tmp_path: Path):
    folder = DataFolder.at(tmp_path / "data")
    told = command(folder, "run", "--groups", "raw,experiments,published")
    assert told.code == 0
    for table in TABLES:
        assert folder.query(f"SELECT count(*) FROM experiments.{table.short_name}") == [(0,)]
    assert command(folder, "experiment").out.startswith("No experiment is decided")
    assert run(folder, "experiments", "published") == []


def test_a_blocking_check_of_raw_holds_all_experiments(copy: DataFolder):
    before, path = tables(copy), f"events/{march(11)}.jsonl"
    configure(copy, without("calm"))
    copy.land({path: (copy.landing / path).read_text() + '{"user_id": "x"}\n' * 30})
    told = command(copy, "run", "--groups", "raw,experiments,published")
    assert told.code == 1
    assert "keeps its last state" in told.err
    assert differences(tables(copy), before) == []


def test_as_of_a_day_before_its_end_an_experiment_goes_on_and_without_a_file_it_is_gone(copy: DataFolder):
    file = configure(copy, {"ended": EXPERIMENTS["ended"]})
    told = command(copy, "run", "--groups", "experiments,published", AS_OF="2026-03-11")
    assert told.code == 0
    assert "experiment ended: KEEP_RUNNING" in told.out
    assert copy.query("SELECT decision, days_left, as_of FROM experiments.decisions") == [
        ("KEEP_RUNNING", 3, march(11))
    ]
    assert copy.query("SELECT max(date) FROM experiments.daily_results") == [(march(11),)]
    assert copy.query("SELECT max(days_observed) FROM experiments.unit_metrics") == [(3,)]

    file.unlink()
    assert command(copy, "run", "--groups", "experiments,published").code == 0
    assert all(rows.num_rows == 0 for rows in tables(copy).values())
    assert copy.query("SELECT count(*) FROM experiments.decisions") == [(0,)]


class TestTheCommand:
    def test_run_names_every_decision(self, service: DataFolder):
        told = command(service, "run", "--groups", "experiments")
        assert told.code == 0
        for name, verdict in verdicts(service).items():
            assert f"experiment {name}: {verdict}. " in told.out

    def test_experiment_lists_all_with_their_first_reason(self, copy: DataFolder):
        configure(copy, EXPERIMENTS, experiment("added", march(9), march(13)))
        told = command(copy, "experiment")
        assert told.code == 0
        starts = [line.split(". ")[0] for line in told.out.splitlines()]
        assert starts[:-1] == [f"{name}: {verdict}" for name, verdict in sorted(verdicts(copy).items())]
        assert told.out.splitlines()[-1] == "added: configured and not computed yet; `streaming-assets run` does it"

    @pytest.mark.parametrize("name", ["ended", "later", "nobody", "no_skips"])
    def test_experiment_tells_one_with_its_evidence(self, service: DataFolder, name: str):
        told = command(service, "experiment", name)
        assert told.code == 0
        assert told.out.startswith(f"{name}: {verdicts(service)[name]} (")
        assert "\nHealth\n" in told.out
        assert "\nPower at 80 %\n" in told.out
        assert not {"None", "nan", "inf"} & set(told.out.replace(",", " ").split())

    @pytest.mark.parametrize("name", ["ended", "later", "nobody", "no_skips"])
    def test_json_has_all_rows_on_it(self, service: DataFolder, name: str):
        told = command(service, "experiment", name, "--json")
        found = json.loads(told.out, parse_constant=lambda constant: pytest.fail(f"{constant} in JSON"))
        assert list(found) == ["is_current", "decision", "results", "daily_results", "health", "power"]
        assert found["is_current"]
        for table in ("results", "daily_results", "health", "power"):
            ((rows,),) = service.query(f"SELECT count(*) FROM experiments.{table} WHERE experiment_id = ?", name)
            assert len(found[table]) == rows
            assert all(set(row) == set(contracts.ALL[f"experiments/{table}"].column_names) for row in found[table])
        assert found["decision"]["decision"] == verdicts(service)[name]

    def test_json_of_all_is_a_list_of_decisions(self, service: DataFolder):
        found = {row["experiment_id"]: row for row in json.loads(command(service, "experiment", "--json").out)}
        assert {name: row["decision"] for name, row in found.items()} == verdicts(service)
        assert set(found["ended"]["rollout_effect"]["sessions"]) == {"value", "low", "high"}
        assert found["running"]["rollout_effect"] is None

    def test_an_unknown_one_is_refused_with_those_that_are_known_and_what_is_wrong_in_the_file(self, copy: DataFolder):
        configure(copy, EXPERIMENTS, experiment("broken", march(9), march(8)))
        told = command(copy, "experiment", "broken")
        assert (told.code, told.out) == (2, "")
        assert all(name in told.err for name in EXPERIMENTS)
        assert f"refused: {copy.settings.experiments_file}:" in told.err

    def test_one_that_is_configured_only_is_told_to_be_computed(self, copy: DataFolder):
        configure(copy, EXPERIMENTS, experiment("added", march(9), march(13)))
        told = command(copy, "experiment", "added")
        assert (told.code, told.out) == (1, "")
        assert "`streaming-assets run` does it" in told.err

    @pytest.mark.parametrize("arguments", [[], ["ended"], ["plan", "--metric", "watch_hours", "--mde", "0.1"]])
    def test_without_a_lake_it_says_how_to_make_one(self, tmp_path: Path, arguments: list[str]):
        told = streaming_assets("experiment", *arguments, "--data-dir", tmp_path)
        assert (told.code, told.out) == (2, "")
        assert "`streaming-assets run` makes one" in told.err


class TestPlan:
    def plan(self, folder: DataFolder, *arguments: object) -> Outcome:
        return command(folder, "experiment", "plan", *arguments)

    def test_it_tells_sample_size_and_days(self, service: DataFolder):
        told = self.plan(service, "--metric", "session_minutes", "--mde", "0.5")
        assert told.code == 0
        first, size, known, *_ = told.out.splitlines()
        assert first.startswith("To find a lift of 50.0 % in session_minutes with 80 % power at alpha 0.05")
        users, days = int(size.split()[0]), int(size.split()[-2])
        assert 4 < users <= USERS
        assert 1 <= days <= DAYS
        assert f"from {FIRST_DAY} to {FIRST_DAY + (days - 1) * ONE_DAY}: " in known

    def test_a_smaller_lift_takes_more_than_there_will_be(self, service: DataFolder):
        told = self.plan(service, "--metric", "session_minutes", "--mde", "0.01")
        assert told.code == 0
        assert "more than come: nobody new has played in the last seven days" in told.out

    def test_a_metric_in_which_nobody_differs_cannot_be_planned(self, service: DataFolder):
        told = self.plan(service, "--metric", "skip_rate", "--mde", "0.1")
        assert (told.code, told.out) == (1, "")
        assert "skip_rate cannot be planned: no user who played lately differs from another in it" in told.err

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--metric", "happiness", "--mde", "0.1"], "expected one of session_minutes, skip_rate"),
            (["--metric", "watch_hours", "--mde", "0"], "'0' is not a number between 0 and 1"),
            (["--metric", "watch_hours", "--mde", "2"], "'2' is not a number between 0 and 1"),
            (["--metric", "watch_hours"], "plan needs --metric and --mde"),
            (["--mde", "0.1"], "plan needs --metric and --mde"),
        ],
    )
    def test_what_makes_no_plan_is_refused(self, service: DataFolder, arguments: list[str], said: str):
        told = self.plan(service, *arguments)
        assert (told.code, told.out) == (2, "")
        assert said in told.err

    def test_an_empty_lake_has_nothing_to_plan_with(self, tmp_path: Path):
        folder = DataFolder.at(tmp_path / "data")
        folder.settings.lake_dir.mkdir()
        told = self.plan(folder, "--metric", "watch_hours", "--mde", "0.1")
        assert (told.code, told.out) == (1, "")
        assert "there are no events to plan with; `streaming-assets run` takes them in" in told.err

    def test_it_leaves_nothing_behind(self, copy: DataFolder):
        before = sorted(copy.settings.data_dir.rglob("*"))
        self.plan(copy, "--metric", "watch_hours", "--mde", "0.2")
        assert sorted(path for path in copy.settings.data_dir.rglob("*") if ".spill" not in path.parts) == [
            path for path in before if ".spill" not in path.parts
        ]


@pytest.mark.slow
def test_a_held_day_that_is_corrected_and_new_plans_change_every_experiment_that_looks_at_them(copy: DataFolder):
    configure(copy, few := {name: EXPERIMENTS[name] for name in ("ended", "running", "calm")})
    path = f"events/{march(5)}.jsonl"
    copy.land({path: '{"user_id": "x"}\n' * 30})
    assert command(copy, "run", "--groups", ",".join(GROUPS)).code == 1
    known = parts(copy)
    copy.land({path: events_of(march(5), Random(3)), **users_file(user_3="free", user_4="free")})
    assert run(copy)[-2:] == [*DECIDE, "publish"]
    assert made_again(parts(copy), known)["unit_metrics"] >= set(few)
    units = dict(copy.query("SELECT experiment_id, units FROM experiments.decisions"))
    assert units == {"ended": USERS, "running": USERS, "calm": USERS - 4}


@pytest.mark.slow
def test_a_row_that_was_damaged_is_found_by_check_and_mended_by_the_next_run(copy: DataFolder):
    before = tables(copy)
    (path,) = parts(copy)["unit_metrics", "ended"]
    file = copy.settings.lake_dir / "experiments" / "unit_metrics" / path
    rows = pq.ParquetFile(file).read()
    place = rows.schema.get_field_index("plays")
    pq.write_table(rows.set_column(place, "plays", pc.add(rows["plays"], 1)), file)
    told = command(copy, "check")
    assert told.code == 1
    assert "failed: experiments/unit_metrics: days_add_up_to_units" in told.out
    assert command(copy, "run", "--groups", "experiments,published").code == 0
    assert differences(tables(copy), before) == []
    assert run(copy) == []


@pytest.mark.slow
def test_days_in_any_order_with_corrections_end_in_the_same_tables(tmp_path: Path):
    random = Random(11)
    files = {**files_of(FIRST_DAY, DAYS), **users_file()}
    configured = {name: EXPERIMENTS[name] for name in ("ended", "running", "calm")}
    at_once, in_batches = DataFolder.at(tmp_path / "at once"), DataFolder.at(tmp_path / "in batches")
    at_once.land(files)
    configure(at_once, configured)
    run(at_once, "raw", "core", "experiments")

    configure(in_batches, configured)
    order = random.sample(sorted(files), len(files))
    for batch in (order[first : first + 4] for first in range(0, len(order), 4)):
        corrected_later = random.choice(order)
        if not (in_batches.landing / corrected_later).exists():
            half = files[corrected_later].splitlines(keepends=True)[::2]
            in_batches.land({corrected_later: "".join(half)})
        in_batches.land({path: files[path] for path in batch if path != corrected_later})
        run(in_batches, "raw", "core", "experiments")
    in_batches.land(files)
    run(in_batches, "raw", "core", "experiments")
    assert differences(tables(in_batches), tables(at_once)) == []
    run(DataFolder(dataclasses.replace(in_batches.settings, as_of=march(12))), "experiments")
    run(in_batches, "experiments")
    assert differences(tables(in_batches), tables(at_once)) == []
