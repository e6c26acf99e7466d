"""Situations for the decision: an experiment as its owner writes it, and what was found of it, row by row."""

import datetime as dt
from dataclasses import replace

from hypothesis import strategies as st

from streaming_assets.experiments.config import Experiment
from streaming_assets.experiments.decision import Evidence, decide
from streaming_assets.experiments.health import Health
from streaming_assets.experiments.inference import Result
from streaming_assets.experiments.metrics import METRICS
from streaming_assets.experiments.power import Power

START, END = dt.date(2026, 9, 1), dt.date(2026, 10, 31)
MIDWAY = dt.date(2026, 10, 19)
GUARDRAILS = {"skip_rate": 0.02, "d1_retention": 0.05}
THREE_ARMS = {"salt": "rows", "variants": {"control": 40, "big_rows": 30, "small_rows": 30}}

_IN_CONTROL = {
    "session_minutes": 20.0,
    "skip_rate": 0.3,
    "sessions_per_user": 8.0,
    "watch_hours": 2.5,
    "d1_retention": 0.4,
    "d7_retention": 0.2,
    "creator_diversity": 6.0,
    "genre_diversity": 3.0,
}


def experiment(**changes):
    """Session minutes are to rise by 2 % at least, in nine weeks, without more skips or fewer returning."""
    written = {
        "id": "discovery",
        "start": START,
        "end": END,
        "assignment": {"salt": "discovery", "variants": {"control": 50, "treatment": 50}},
        "primary": "session_minutes",
        "guardrails": GUARDRAILS,
        "min_lift": 0.02,
        **changes,
    }
    return Experiment.model_validate(written)


def found(metric, lift, low, high, p, *, variant="treatment", method="fixed", role="primary", **changes):
    """A result over all units: the lift with its interval and the p-value of the effect, alone and corrected."""
    mean = _IN_CONTROL[metric]
    known = {
        "dimension": "all",
        "segment": "all",
        "n_control": 5_000,
        "n_variant": 5_000,
        "mean_control": mean,
        "mean_variant": mean * (1 + lift),
        "effect": mean * lift,
        "effect_low": mean * low,
        "effect_high": mean * high,
        "standard_error": mean * (high - low) / 3.92,
        "lift": lift,
        "lift_low": low,
        "lift_high": high,
        "p_value": p,
        "p_adjusted": p,
    }
    return Result("discovery", metric, variant, role, method, **{**known, **changes})


def guardrail(metric, lift, low, high, p, worst_case, *, margin=None, **changes):
    """worst_case: how far it changed for the better at least, negative where it may have become worse."""
    allowed = GUARDRAILS[metric] if margin is None else margin
    judged = {"margin": allowed, "worst_case": worst_case, "is_non_inferior": worst_case > -allowed}
    return found(metric, lift, low, high, p, **{"role": "guardrail", **judged, **changes})


def unmeasured(metric, *, variant="treatment", method="fixed", role="primary", **known):
    """A result without an effect, or with one that cannot be tested."""
    counts = {"n_control": 5_000, "n_variant": 5_000}
    return Result("discovery", metric, variant, role, method, "all", "all", **{**counts, **known})


def from_zero(metric, effect, low, high, p, **changes):
    """A result over a control that has none of it, so that there is no lift."""
    spread = {"effect": effect, "effect_low": low, "effect_high": high, "standard_error": (high - low) / 3.92}
    means = {"mean_control": 0.0, "mean_variant": effect}
    return unmeasured(metric, **{**spread, **means, "p_value": p, "p_adjusted": p, **changes})


def constant(metric, **changes):
    """Every unit has the same value, as where the source never tells it."""
    same = {"mean_control": 0.0, "mean_variant": 0.0, "effect": 0.0, "standard_error": 0.0}
    return unmeasured(metric, **{**same, **changes})


def holding(**where):
    """Guardrails that are shown to hold."""
    return [
        guardrail("skip_rate", -0.001, -0.015, 0.013, 0.88, -0.008, **where),
        guardrail("d1_retention", 0.004, -0.026, 0.034, 0.79, -0.016, **where),
    ]


def better(**changes):
    """+6.2 % session minutes, beyond doubt."""
    return found("session_minutes", 0.062, 0.034, 0.09, 0.000_02, **changes)


def unclear(**changes):
    """+1.5 % session minutes, which may as well be none or twice as many."""
    return found("session_minutes", 0.015, -0.012, 0.042, 0.28, **changes)


def worse(**changes):
    """−4.8 % session minutes, beyond doubt."""
    return found("session_minutes", -0.048, -0.075, -0.021, 0.000_5, **changes)


def needing(units_needed, *, units=10_000, days=None, target=0.02, detectable=0.039, variant="treatment"):
    """Power of the primary metric."""
    return Power(
        "discovery", "session_minutes", variant, "primary", units, target, detectable, units_needed, 250.0, days
    )


def check(name="every_variant_has_units", finding="5,000 in control, 5,000 in treatment", **changes):
    """A row of experiments/health; it passes unless told otherwise."""
    known = {"subject": "all", "passed": True, "units": 10_000, "value": 5_000.0, "threshold": 1.0}
    return Health("discovery", name, finding=finding, **{**known, **changes})


def decided(*results, as_of=END, health=(), power=(), **of_experiment):
    """The decision on these results of the experiment, as of its last day unless told otherwise."""
    return decide(Evidence(experiment(**of_experiment), as_of, results, [check(), *health], power))


def sign(metric):
    return METRICS[metric].sign


# Whatever may be found

_LIFTS = st.one_of(st.floats(-0.9, 3.0), st.sampled_from([-0.05, -0.02, 0.0, 0.019_999, 0.02, 0.05]))
_WIDTHS = st.one_of(st.floats(1e-9, 2.0), st.sampled_from([0.000_1, 0.01]))
_CHANCES = st.one_of(st.floats(0.0, 1.0), st.sampled_from([0.0, 1e-300, 0.000_1, 0.049_999_9, 0.05]))
_COUNTS = st.integers(0, 10**9)
_UNMEASURED = ["absent", "no units", "one unit", "constant", "from zero", "few"]


@st.composite
def measurements(draw, metric, role, variant, method, margin, is_lucky):
    """A row as inference can make it: measured, constant, without a lift, without enough units, or none at all.

    With luck it is measured, changed for the better, and rarely by chance.
    """
    where = {"variant": variant, "method": method, "role": role}
    kind = draw(st.sampled_from(["measured"] * (40 if is_lucky else 6) + _UNMEASURED))
    p = draw(st.sampled_from([1e-9, 0.000_1, 0.01, 0.06]) if is_lucky else _CHANCES)
    if kind == "absent":
        return []
    if kind == "no units":
        return [unmeasured(metric, n_control=0, n_variant=draw(_COUNTS), **where)]
    if kind == "one unit":
        return [unmeasured(metric, n_control=1, n_variant=draw(_COUNTS), **where)]
    if kind == "constant":
        return [constant(metric, **where)]
    if kind == "from zero":
        return [from_zero(metric, 0.1, 0.1 - draw(_WIDTHS), 0.1 + draw(_WIDTHS), p, **where)]
    if kind == "few" and method == "sequential":
        means = {"mean_control": 2.0, "mean_variant": 3.0, "effect": 1.0, "standard_error": 0.5, "lift": 0.5}
        return [unmeasured(metric, **{**where, **means, "n_variant": draw(st.integers(2, 99))})]
    lift = sign(metric) * draw(st.sampled_from([0.019_999, 0.02, 0.05, 0.2])) if is_lucky else draw(_LIFTS)
    width = draw(_WIDTHS)
    judged = {}
    if margin is not None:
        worst_case = sign(metric) * lift - draw(st.sampled_from([0.01, 0.06, 0.07]) if is_lucky else _WIDTHS)
        judged = {"margin": margin, "worst_case": worst_case, "is_non_inferior": worst_case > -margin}
    return [found(metric, lift, lift - width, lift + width, p, **judged, **where)]


def _corrected(rows):
    """With p-values of primary and guardrails by Bonferroni, which is never below Holm."""
    asked = [row for row in rows if row.role in ("primary", "guardrail") and row.p_value is not None]
    count = {method: sum(row.method == method for row in asked) for method in ("fixed", "sequential")}
    return [
        replace(row, p_adjusted=min(1.0, row.p_value * count[row.method]) if row in asked else None) for row in rows
    ]


@st.composite
def configurations(draw):
    variants = draw(st.sampled_from([("treatment",), ("treatment",), ("big_rows", "small_rows", "no_rows")]))
    primary = draw(st.sampled_from(["session_minutes", "skip_rate"]))
    guardrails = draw(st.sampled_from([{}, {"d1_retention": 0.05}, {"d1_retention": 0.05, "watch_hours": 0.5}]))
    return experiment(
        kind=draw(st.sampled_from(["ab"] * 7 + ["aa"])),
        analysis=draw(st.sampled_from(["fixed", "sequential"])),
        primary=primary,
        guardrails=guardrails,
        min_lift=draw(st.sampled_from([0, 0.02, 0.0225])),
        assignment={"salt": "any", "variants": dict.fromkeys(("control", *variants), 1)},
        rollout={
            "population": draw(st.sampled_from([0, 10**6])),
            "value_per_session": draw(st.sampled_from([None, -2.0, 0.5])),
        },
    )


@st.composite
def evidence(draw):
    """An experiment with any rows, from before its start to after its end."""
    of, is_lucky = draw(configurations()), draw(st.booleans())
    results = [
        row
        for variant in of.treatments
        for metric in (of.primary, *of.guardrails, "sessions_per_user")
        for method in ("fixed", "sequential")
        for row in draw(measurements(metric, of.role(metric), variant, method, of.guardrails.get(metric), is_lucky))
    ]
    failed = draw(
        st.lists(
            st.sampled_from(
                [
                    check(passed=False, finding="no unit was exposed in treatment", value=0.0),
                    check("units_fall_into_variants_by_their_weights", "9 in control", passed=False, value=0.0),
                    check("variants_were_alike_before_exposure", "4 in treatment", passed=False, value=0.0001),
                    check("units_are_in_one_variant", "3 of 9 units", passed=False, value=0.3, threshold=0.01),
                    check("logged_variants_are_configured", "3 of 9 units", passed=False, value=0.3, threshold=0.01),
                ]
            ),
            max_size=2,
        )
    )
    power = [
        needing(
            draw(st.none() | _COUNTS),
            units=draw(_COUNTS),
            days=draw(st.none() | _COUNTS),
            target=of.min_lift or None,
            detectable=draw(st.none() | st.floats(0, 9)),
            variant=variant,
        )
        for variant in of.treatments
        if draw(st.booleans())
    ]
    health = [check(), *(failed if draw(st.integers(0, 5)) == 0 else [])]
    as_of = START + dt.timedelta(days=draw(st.sampled_from([-1, 0, 30, 59, *[60] * 7, 90])))
    return Evidence(of, as_of, _corrected(results), health, power)
