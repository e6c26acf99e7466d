"""Experiments as published, re-computed in plain pandas, numpy and scipy from the core tables and the definitions."""

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from streaming_assets_tests.marts.conftest import Published

DAY = pd.Timedelta(days=1)
TABLES = ("assignments", "unit_days", "unit_metrics", "results", "daily_results", "health", "power", "decisions")
COUNTED = ["sessions", "session_minutes", "plays", "skips", "watch_hours"]
DIMENSIONS = ("platform", "country", "plan", "user_kind")
USUAL = {
    "exposure": "first_play",
    "alpha": 0.05,
    "guardrail_alpha": 0.1,
    "guardrails": {},
    "secondary": [],
    "winsorise": [],
}


@dataclass(frozen=True)
class Metric:
    top: str
    bottom: str | None = None
    better: int = 1
    is_share: bool = False
    matures_after: int = 0
    pre: str | None = None
    pre_bottom: str | None = None


METRICS = {
    "session_minutes": Metric("session_minutes", "sessions", pre="pre_session_minutes", pre_bottom="pre_sessions"),
    "skip_rate": Metric("skips", "plays", better=-1, pre="pre_skips", pre_bottom="pre_plays"),
    "sessions_per_user": Metric("sessions", pre="pre_sessions"),
    "plays_per_user": Metric("plays", pre="pre_plays"),
    "watch_hours": Metric("watch_hours", pre="pre_watch_hours"),
    "creator_diversity": Metric("creators", pre="pre_creators"),
    "genre_diversity": Metric("genres", pre="pre_genres"),
    "d1_retention": Metric("retained_d1", is_share=True, matures_after=1),
    "d7_retention": Metric("retained_d7", is_share=True, matures_after=7),
    "d30_retention": Metric("retained_d30", is_share=True, matures_after=30),
    "sessions_in_first_7_days": Metric("sessions_first_7d", matures_after=6, pre="pre_sessions_7d"),
}


@dataclass(frozen=True)
class Case:
    """One configured experiment over the core tables, up to the day `last`."""

    published: Published
    entry: dict[str, Any]
    last: pd.Timestamp

    @property
    def start(self) -> pd.Timestamp:
        return pd.Timestamp(self.entry["start"])

    @property
    def weights(self) -> dict[str, float]:
        assignment = self.entry["assignment"]
        return {"control": 50, "treatment": 50} if assignment == "logged" else assignment["variants"]

    @property
    def is_logged(self) -> bool:
        return self.entry["assignment"] == "logged" or "salt" not in self.entry["assignment"]

    @property
    def treatments(self) -> list[str]:
        return [name for name in self.weights if name != "control"]

    def core(self, table: str) -> pd.DataFrame:
        return self.published.frame(f"core/{table}")

    def found(self, table: str) -> pd.DataFrame:
        rows = self.published.frame(f"experiments/{table}")
        return rows[rows.experiment_id == self.entry["id"]].drop(columns="experiment_id")

    def role(self, metric: str) -> str:
        if metric == self.entry["primary"]:
            return "primary"
        if metric in self.entry["guardrails"]:
            return "guardrail"
        return "secondary" if metric in self.entry["secondary"] else "other"


def entries(published: Published) -> list[dict[str, Any]]:
    return [{**USUAL, **entry} for entry in yaml.safe_load(published.experiments_file.read_text())]


@pytest.fixture
def cases(published: Published) -> list[Case]:
    """Every configured experiment, up to min(end, T)."""
    return [Case(published, entry, min(pd.Timestamp(entry["end"]), published.as_of)) for entry in entries(published)]


def assert_same(found: pd.DataFrame, expected: pd.DataFrame, key: list[str]) -> None:
    """Whole numbers, texts, days and booleans are equal, floats to 1e-9 of the greater one."""
    found, expected = (frame.set_index(key, verify_integrity=True).sort_index() for frame in (found, expected))
    assert found.index.tolist() == expected.index.tolist()
    for name in expected:
        if pd.api.types.is_float_dtype(found[name]):
            right = pd.to_numeric(expected[name].astype(object)).astype(float)
            np.testing.assert_allclose(found[name], right, rtol=1e-9, atol=1e-12, err_msg=name)
        else:
            left, right = (
                column.astype(object).where(column.notna(), None) for column in (found[name], expected[name])
            )
            different = {
                at: values for at, *values in zip(left.index, left, right, strict=True) if values[0] != values[1]
            }
            assert (name, different) == (name, {})


# Assignments


def assigned(case: Case) -> pd.DataFrame:
    exposed = in_population(case, with_what_was_known(case, exposures(case)))
    if case.is_logged:
        alone = exposed.user_id.map(case_variants(case).groupby("user_id").variant.nunique()) == 1
        exposed = exposed.assign(
            variant=exposed.user_id.map(case_variants(case).groupby("user_id").variant.first()), bucket=np.nan
        )[alone]
        return exposed[exposed.variant.isin(case.weights)]
    salt = case.entry["assignment"]["salt"]
    bucket = exposed.user_id.map(lambda user: int(hashlib.md5(f"{salt}:{user}".encode()).hexdigest()[:8], 16) % 10_000)
    edges = np.cumsum(list(case.weights.values())) / sum(case.weights.values()) * 10_000
    arm = np.searchsorted(np.round(edges), bucket.to_numpy(), side="right")
    return exposed.assign(bucket=bucket, variant=np.array(list(case.weights))[arm])


def case_variants(case: Case) -> pd.DataFrame:
    events = case.core("events")
    own = events[(events.event_type == "exposure") & (events.experiment_id == case.entry["id"])]
    return own[own.event_date.between(case.start, case.last)]


def exposures(case: Case) -> pd.DataFrame:
    """(user_id, exposed_at, exposed_date, platform, country) of the first exposure."""
    if case.entry["exposure"] == "signup":
        found = sign_ups(case).reset_index(name="exposed_at").assign(platform=None, country=None)
        found["exposed_date"] = found.exposed_at.dt.normalize()
        return found[found.exposed_date.between(case.start, case.last)]
    plays = case.core("plays")
    rows = case_variants(case) if case.entry["exposure"] == "logged" else plays
    first = rows[rows.event_date.between(case.start, case.last)].sort_values(["user_id", "started_at", "event_id"])
    first = first.drop_duplicates("user_id").rename(columns={"started_at": "exposed_at", "event_date": "exposed_date"})
    return first[["user_id", "exposed_at", "exposed_date", "platform", "country"]]


def sign_ups(case: Case) -> pd.Series:
    records = case.core("users").query("not is_derived")
    return records.groupby("user_id").signed_up_at.min().dropna()


def with_what_was_known(case: Case, exposed: pd.DataFrame) -> pd.DataFrame:
    records = case.core("users").query("not is_derived").sort_values("valid_from")
    held = exposed[["user_id", "exposed_at"]].merge(records, on="user_id").query("valid_from <= exposed_at")
    record = held.drop_duplicates("user_id", keep="last").set_index("user_id")
    first_day = case.core("events").groupby("user_id").event_date.min()
    known = exposed.set_index("user_id")
    known["plan"] = record.plan
    known["country"] = record.country.reindex(known.index).fillna(known.country)
    known["platform"] = known.platform.fillna(record.platform.reindex(known.index))
    known["has_pre_period"] = first_day.reindex(known.index) < known.exposed_date
    known["user_kind"] = np.where(known.has_pre_period, "existing", "new")
    return known.reset_index()


def in_population(case: Case, known: pd.DataFrame) -> pd.DataFrame:
    wanted = case.entry.get("population", {})
    taken = pd.Series(data=True, index=known.index)
    for attribute in ("plan", "country"):
        if attribute in wanted:
            taken &= known[attribute].isin(wanted[attribute])
    if "signed_up" in wanted:
        day = known.user_id.map(sign_ups(case)).dt.normalize()
        taken &= (day >= pd.Timestamp(wanted["signed_up"]["from"])) & (day <= pd.Timestamp(wanted["signed_up"]["to"]))
    if "min_pre_sessions" in wanted:
        sessions = case.core("sessions").merge(known[["user_id", "exposed_date"]], on="user_id")
        age = (sessions.exposed_date - sessions.session_date) // DAY
        regular = sessions[age.between(1, 28)].groupby("user_id").size()
        taken &= known.user_id.map(regular).fillna(0) >= wanted["min_pre_sessions"]
    return known[taken]


# Units


def actions(case: Case, units: pd.DataFrame) -> pd.DataFrame:
    """Plays, skips and sessions of the units, with the days since their exposure."""
    plays, events, sessions = (case.core(table) for table in ("plays", "events", "sessions"))
    records = case.core("content").query("not is_derived").set_index("content_id")
    played = pd.DataFrame(
        {
            "user_id": plays.user_id, "at": plays.started_at, "date": plays.event_date, "plays": 1,
            "skips": plays.is_skip.astype(int), "watch_hours": plays.watch_seconds / 3600,
            "creator": plays.creator.fillna(plays.content_id.map(records.creator)),
            "genre": plays.content_id.map(records.genre).fillna(plays.genre),
        }
    )  # fmt: skip
    skipped = events[events.event_type == "skip"]
    skips = pd.DataFrame({"user_id": skipped.user_id, "at": skipped.started_at, "date": skipped.event_date, "skips": 1})
    begun = pd.DataFrame(
        {
            "user_id": sessions.user_id, "at": sessions.started_at, "date": sessions.session_date, "sessions": 1,
            "session_minutes": sessions.duration_seconds / 60,
        }
    )  # fmt: skip
    done = pd.concat([played, skips, begun]).merge(
        units[["user_id", "variant", "exposed_at", "exposed_date"]], on="user_id"
    )
    return done.fillna(dict.fromkeys(COUNTED, 0)).assign(age=(done.date - done.exposed_date) // DAY)


def unit_days(case: Case, units: pd.DataFrame) -> pd.DataFrame:
    done = actions(case, units)
    since = done[(done["at"] >= done.exposed_at) & (done.date <= case.last)]
    days = since.groupby(["user_id", "variant", "date"])[COUNTED].sum()
    for name, text in (("creators", "creator"), ("genres", "genre")):
        met = since.dropna(subset=[text]).sort_values("date").drop_duplicates(["user_id", text])
        days[name] = met.groupby(["user_id", "variant", "date"]).size()
    days = days.fillna(0).reset_index()
    return days.astype(dict.fromkeys(("sessions", "plays", "skips", "creators", "genres"), int))


def unit_metrics(case: Case, units: pd.DataFrame) -> pd.DataFrame:
    done = actions(case, units)
    since = done[(done["at"] >= done.exposed_at) & (done.date <= case.last)].groupby("user_id")
    before = done[done.age.between(-28, -1)].groupby("user_id")
    found = units.drop(columns=["bucket", "exposed_at"]).set_index("user_id")
    found["days_observed"] = (case.last - found.exposed_date) // DAY
    for prefix, group in (("", since), ("pre_", before)):
        found[[f"{prefix}{name}" for name in COUNTED]] = group[COUNTED].sum().reindex(found.index).to_numpy()
        for name, text in (("creators", "creator"), ("genres", "genre")):
            found[f"{prefix}{name}"] = group[text].nunique().reindex(found.index)
    rows = done[(done["at"] >= done.exposed_at) & (done.date <= case.last)]
    for n in (1, 7, 30):
        found[f"retained_d{n}"] = found.index.isin(rows[(rows.plays > 0) & (rows.age == n)].user_id).astype(int)
    found["sessions_first_7d"] = rows[rows.age < 7].groupby("user_id").sessions.sum()
    found["pre_sessions_7d"] = done[done.age.between(-7, -1)].groupby("user_id").sessions.sum()
    measured = found.columns.difference([*DIMENSIONS, "variant", "exposed_date", "has_pre_period"])
    found[measured] = found[measured].fillna(0)
    return found.reset_index()


# Results


@dataclass(frozen=True)
class Shown:
    """What the units of an arm contribute: their mean is the estimate, their variance that of one unit.

    active: units with a denominator, of a mean all.
    """

    value: float
    raw: np.ndarray
    adjusted: np.ndarray
    active: int


def contributions(top: np.ndarray, bottom: np.ndarray | None) -> np.ndarray:
    """Each unit's value, of a ratio its linearised one."""
    if bottom is None:
        return top
    ratio = top.sum() / bottom.sum()
    return ratio + (top - ratio * bottom) / bottom.mean()


def before(metric: Metric, units: pd.DataFrame, pooled: pd.DataFrame) -> np.ndarray:
    """Each unit's contribution in the pre-period; those without one stand at the mean of all arms' others."""
    if metric.pre_bottom is not None:
        if units[metric.pre_bottom].sum() == 0:
            over = pooled[metric.pre_bottom].sum()
            return np.full(len(units), pooled[metric.pre].sum() / over if over else 0.0)
        return contributions(units[metric.pre].to_numpy(float), units[metric.pre_bottom].to_numpy(float))
    mean = pooled[metric.pre][pooled.has_pre_period].mean() if pooled.has_pre_period.any() else 0.0
    return units[metric.pre].where(units.has_pre_period, mean).to_numpy(float)


def values(metric: Metric, units: pd.DataFrame) -> np.ndarray:
    return contributions(
        units[metric.top].to_numpy(float), None if metric.bottom is None else units[metric.bottom].to_numpy(float)
    )


def slopes(metric: Metric, pooled: pd.DataFrame) -> np.ndarray:
    """Least squares of the metric on its like before and on the absence of a pre-period, over all arms."""
    covariates = np.column_stack([before(metric, pooled, pooled), ~pooled.has_pre_period, np.ones(len(pooled))])
    return np.linalg.lstsq(covariates.astype(float), values(metric, pooled), rcond=None)[0][:2]


def shown(metric: Metric, units: pd.DataFrame, pooled: pd.DataFrame, *, adjusted: bool) -> Shown | None:
    active = len(units) if metric.bottom is None else int((units[metric.bottom] > 0).sum())
    if len(units) < 2 or (metric.bottom is not None and active < 10):
        return None
    raw = values(metric, units)
    less = np.zeros(len(units))
    if adjusted:
        theta, of_missing = slopes(metric, pooled)
        less = theta * before(metric, units, pooled) + of_missing * ~units.has_pre_period.to_numpy()
    return Shown(raw.mean(), raw, raw - less, active)


def variance(metric: Metric, contributed: np.ndarray, active: int) -> float:
    """Of one unit; of shares the population's, and 0 where only rounding differs.

    active: units with a denominator. The others contribute 0 to a ratio, and are not counted as observations of it.
    """
    if np.ptp(contributed) <= 1e-9 * np.abs(contributed).max(initial=0):
        return 0.0
    n = len(contributed)
    fewer = active / (active - 1) * (n - 1) / n if active < n else 1.0
    return float(np.var(contributed, ddof=0 if metric.is_share else 1)) * fewer


def compared(case: Case, name: str, variant: str, method: str, units: pd.DataFrame, planned: float) -> dict[str, Any]:
    """One row of results but for p_adjusted and variance_reduction."""
    metric = METRICS[name]
    known = units[units.days_observed >= metric.matures_after]
    control, treated = (known[known.variant == arm] for arm in ("control", variant))
    row = {"metric": name, "variant": variant, "role": case.role(name), "method": method}
    row |= {"n_control": len(control), "n_variant": len(treated)}
    arms = [shown(metric, own, known, adjusted=method == "cuped") for own in (control, treated)]
    if any(arm is None for arm in arms):
        return row
    c, v = arms
    spread = {
        arm: variance(metric, shown_.adjusted, shown_.active) / len(shown_.adjusted)
        for arm, shown_ in (("control", c), ("variant", v))
    }
    se = math.sqrt(sum(spread.values()))
    effect = v.adjusted.mean() - c.adjusted.mean()
    row |= {"mean_control": c.value, "mean_variant": v.value, "effect": effect, "standard_error": se}
    degrees, p = two_sided(metric, c, v)
    within = (len(control) - 1) * spread["control"] * len(control) + (len(treated) - 1) * spread["variant"] * len(
        treated
    )
    if within > 0:
        row["cohens_d"] = effect / math.sqrt(within / (len(control) + len(treated) - 2))
    lift_se = None
    if c.value != 0:
        of_control = variance(metric, c.adjusted / c.value + effect / c.value**2 * c.raw, c.active) / len(control)
        row["lift"], lift_se = effect / c.value, math.sqrt(spread["variant"] / c.value**2 + of_control)
    if se == 0:
        return row if method == "sequential" else {**row, "p_value": p}
    level, tail = case.entry["alpha"], case.entry["guardrail_alpha"]
    if method == "sequential":
        if min(c.active, v.active) < 100:
            return row
        sequence = Sequence(len(control) + len(treated), planned)
        wide, below = sequence.half_width(level), sequence.one_sided(tail)
        row["p_value"] = sequence.p_value(effect / se, level)
    else:
        wide, below = (stats.t.ppf(1 - q, degrees) for q in (level / 2, tail))
        row["p_value"] = p
        if lift_se:
            row["chance_to_win"] = stats.norm.cdf(metric.better * row["lift"] / lift_se)
    row |= {"effect_low": effect - wide * se, "effect_high": effect + wide * se}
    if lift_se is not None:
        row |= {"lift_low": row["lift"] - wide * lift_se, "lift_high": row["lift"] + wide * lift_se}
    margin = case.entry["guardrails"].get(name)
    if margin is not None and c.value:
        worst = (metric.better * effect - below * se) / c.value
        row |= {"margin": margin, "worst_case": worst, "is_non_inferior": worst > -margin}
    return row


def two_sided(metric: Metric, control: Shown, variant: Shown) -> tuple[float, float | None]:
    """Degrees of freedom and p of the two-sided test."""
    if not metric.is_share:
        parts = [variance(metric, arm.adjusted, arm.active) / len(arm.adjusted) for arm in (control, variant)]
        if not any(parts):
            return math.nan, None
        below = sum(part**2 / (arm.active - 1) for part, arm in zip(parts, (control, variant), strict=True))
        degrees = sum(parts) ** 2 / below
        effect = variant.adjusted.mean() - control.adjusted.mean()
        return degrees, 2 * stats.t.sf(abs(effect) / math.sqrt(sum(parts)), degrees)
    share = np.concatenate([control.raw, variant.raw]).mean()
    pooled = math.sqrt(share * (1 - share) * (1 / len(control.raw) + 1 / len(variant.raw)))
    z = None if pooled == 0 else (variant.value - control.value) / pooled
    return np.inf, None if z is None else 2 * stats.norm.sf(abs(z))


@dataclass(frozen=True)
class Sequence:
    """Asymptotic confidence sequence, arXiv:2103.06476: in standard errors, after n of the planned units."""

    n: int
    planned: float

    def rho2(self, alpha: float) -> float:
        return (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / self.planned

    def half_width(self, alpha: float) -> float:
        rho2, n = self.rho2(alpha), self.n
        in_deviations = math.sqrt(2 * (n * rho2 + 1) / (n**2 * rho2) * math.log(math.sqrt(n * rho2 + 1) / alpha))
        return in_deviations * math.sqrt(n)

    def one_sided(self, alpha: float) -> float:
        rho2, n = self.rho2(2 * alpha), self.n
        in_deviations = math.sqrt(
            2 * (n * rho2 + 1) / (n**2 * rho2) * math.log(1 + math.sqrt(n * rho2 + 1) / (2 * alpha))
        )
        return in_deviations * math.sqrt(n)

    def p_value(self, z: float, alpha: float) -> float:
        """The level at which a sequence with this ρ just touches 0."""
        scaled = self.n * self.rho2(alpha)
        return min(1.0, math.sqrt(scaled + 1) * math.exp(-(z**2) * scaled / (2 * (scaled + 1))))


def holm(p_values: pd.Series) -> pd.Series:
    steps = p_values.sort_values() * np.arange(len(p_values), 0, -1)
    return steps.cummax().clip(upper=1)


def false_discoveries(p_values: pd.Series) -> pd.Series:
    return pd.Series(stats.false_discovery_control(p_values), p_values.index)


def planned_units(case: Case) -> float:
    if "planned_units" in case.entry:
        return case.entry["planned_units"]
    plays, length = case.core("plays"), pd.Timestamp(case.entry["end"]) - case.start + DAY
    return plays[(plays.event_date >= case.start - length) & (plays.event_date < case.start)].user_id.nunique() or 5_000


def capped(case: Case, units: pd.DataFrame, caps: dict[str, float]) -> pd.DataFrame:
    return units.assign(**{METRICS[name].top: units[METRICS[name].top].clip(upper=cap) for name, cap in caps.items()})


def caps_of(case: Case, units: pd.DataFrame) -> dict[str, float]:
    """By winsorised metric the 99.9th percentile of all arms' units together."""
    return {name: float(np.quantile(units[METRICS[name].top], 0.999)) for name in case.entry["winsorise"] if len(units)}


def results(case: Case, units: pd.DataFrame) -> pd.DataFrame:
    caps, planned = caps_of(case, units), planned_units(case)
    units = capped(case, units, caps)
    rows = pd.DataFrame(
        [
            compared(case, name, variant, method, units, planned)
            for variant in case.treatments
            for name, metric in METRICS.items()
            for method in ("fixed", *(["cuped"] if metric.pre else []), "sequential")
        ]
    ).reindex(columns=RESULT)
    for method in ("fixed", "cuped", "sequential"):
        for roles, correct in ((("primary", "guardrail"), holm), (("secondary",), false_discoveries)):
            family = rows[(rows.method == method) & rows.role.isin(roles)].p_value.dropna().astype(float)
            if len(family):
                rows.loc[family.index, "p_adjusted"] = correct(family)
    error = rows.set_index(["metric", "variant", "method"]).standard_error.unstack().astype(float)
    less = (1 - (error["cuped"] / error["fixed"].where(error["fixed"] > 0)) ** 2).dropna()
    is_cuped = rows.method == "cuped"
    rows.loc[is_cuped, "variance_reduction"] = less.reindex(
        pd.MultiIndex.from_frame(rows[is_cuped][["metric", "variant"]])
    ).to_numpy()
    rows["cap"] = rows.metric.map(caps)
    return rows.assign(dimension="all", segment="all")


def segments(case: Case, units: pd.DataFrame) -> pd.DataFrame:
    """The primary metric by what was known at exposure, where both arms have 100 units."""
    primary, caps = case.entry["primary"], caps_of(case, units)
    units = capped(case, units, caps)
    rows = []
    for dimension in DIMENSIONS:
        for segment, own in units.groupby(units[dimension].fillna("unknown")):
            for variant in case.treatments:
                row = compared(case, primary, variant, "fixed", own, math.inf)
                rows.append({**row, "dimension": dimension, "segment": segment})
    found = pd.DataFrame(rows).reindex(columns=[*RESULT, "dimension", "segment"]).assign(cap=caps.get(primary))
    found = found[(found[["n_control", "n_variant"]].min(axis=1) >= 100) & found.p_value.notna()]
    if len(found):
        found["p_adjusted"] = false_discoveries(found.p_value.astype(float))
    return found


DAILY = [
    "metric", "variant", "role", "method", "n_control", "n_variant", "mean_control", "mean_variant", "effect", "effect_low",
    "effect_high", "lift", "lift_low", "lift_high", "p_value",
]  # fmt: skip
RESULT = [
    *DAILY, "standard_error", "p_adjusted", "cohens_d", "chance_to_win", "variance_reduction", "margin", "worst_case",
    "is_non_inferior", "cap",
]  # fmt: skip
KEY = ["metric", "variant", "method", "dimension", "segment"]
# Of an arm whose units are all alike; the other arm's tell.
CONSTANT_ARM = pytest.mark.filterwarnings("ignore:Precision loss")


# The comparison


def test_every_experiment_has_a_decision_and_no_table_has_rows_of_others(published: Published):
    configured = sorted(entry["id"] for entry in entries(published))
    assert sorted(published.frame("experiments/decisions").experiment_id) == configured
    for table in TABLES:
        assert set(published.frame(f"experiments/{table}").experiment_id) <= set(configured)


def test_assignments_equal_those_worked_out_from_the_definition(cases: list[Case]):
    assert max(len(case.found("assignments")) for case in cases) > 200
    for case in cases:
        assert_same(case.found("assignments"), assigned(case), ["user_id"])


def test_days_of_units_equal_a_recount_of_what_they_did_since_exposure(cases: list[Case]):
    for case in cases:
        assert_same(case.found("unit_days"), unit_days(case, assigned(case)), ["user_id", "variant", "date"])


def test_unit_metrics_equal_a_recount_of_what_units_did_since_and_before_exposure(cases: list[Case]):
    for case in cases:
        assert_same(case.found("unit_metrics"), unit_metrics(case, assigned(case)), ["user_id"])


@CONSTANT_ARM
def test_results_equal_a_recomputation_from_the_units(cases: list[Case]):
    for case in cases:
        units = unit_metrics(case, assigned(case))
        found = case.found("results")
        assert_same(found[found.dimension == "all"], results(case, units), KEY)
        assert_same(found[found.dimension != "all"], segments(case, units), KEY)


@CONSTANT_ARM
def test_daily_results_equal_a_recomputation_as_if_the_day_were_the_last(cases: list[Case]):
    for case in cases:
        caps = caps_of(case, unit_metrics(case, assigned(case)))
        daily = case.found("daily_results")
        days = pd.date_range(case.start, case.last)
        assert sorted(daily.date.unique()) == list(days)
        for day in {days[0], days[len(days) // 3], days[-1]} if len(days) else ():
            then = Case(case.published, case.entry, day)
            units = capped(then, unit_metrics(then, assigned(then)), caps)
            rows = [
                compared(then, name, variant, method, units, planned_units(case))
                for variant in case.treatments
                for name in METRICS
                for method in ("fixed", "sequential")
            ]
            expected = pd.DataFrame(rows).reindex(columns=DAILY)
            assert_same(daily[daily.date == day], expected, ["metric", "variant", "method"])


def test_the_situations_of_the_sample_are_worth_comparing(sample_published: Published):
    found = sample_published.frame("experiments/results")
    assert found.query("method == 'fixed' and p_value.notna() and dimension == 'all'").metric.nunique() == len(METRICS)
    assert found.variance_reduction.max() > 0.1
    assert {"fixed", "cuped", "sequential"} == set(found[found.effect_low.notna()].method)
    assert found.dimension.nunique() > 2
