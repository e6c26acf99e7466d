"""A decision as a person reads it: all of it is there, on the terminal and in the UI, whatever is not known."""

import datetime as dt
import io
import json
import re
import warnings
from typing import Any

import numpy as np
import pytest
from PIL import Image

from streaming_assets import contracts
from streaming_assets.reporting.drawing import BLUE, GREY, INK, ORANGE, VERMILION
from streaming_assets.reporting.experiments import VERDICTS, Page, draw_cumulated, draw_effects, page, told

Row = dict[str, Any]
MONDAY = dt.date(2026, 3, 2)
UP, DOWN, UNCLEAR = (0.06, 0.02, 0.10), (-0.08, -0.12, -0.04), (0.01, -0.05, 0.07)


def blank(table: str, **known: Any) -> Row:
    """A row of which nothing is known but these."""
    return {**dict.fromkeys(contracts.ALL[f"experiments/{table}"].column_names), **known}


def measured(lift: tuple[float, float, float] | None) -> Row:
    """The numbers of a comparison with a mean of 40 in control; none where nothing can be compared."""
    if lift is None:
        return {}
    effect = dict(zip(("effect", "effect_low", "effect_high"), (40 * value for value in lift), strict=True))
    relative = dict(zip(("lift", "lift_low", "lift_high"), lift, strict=True))
    return {"mean_control": 40.0, "mean_variant": 40.0 * (1 + lift[0]), "p_value": 0.0123, **effect, **relative}


def result(
    metric: str, lift: tuple[float, float, float] | None, role: str = "other", method: str = "fixed", **more: Any
) -> Row:
    known = {"metric": metric, "role": role, "method": method, "variant": "treatment", "n_control": 90, "n_variant": 80}
    return blank("results", dimension="all", segment="all", **{**known, **measured(lift), **more})


def without_interval(row: Row) -> Row:
    return {**row, **dict.fromkeys(("effect_low", "effect_high", "lift_low", "lift_high", "p_value", "p_adjusted"))}


def days(count: int, method: str = "fixed", variant: str = "treatment") -> list[Row]:
    """The lift of session_minutes comes to 6 %, with an interval that narrows to ± 4 %."""
    return [
        blank(
            "daily_results", date=MONDAY + dt.timedelta(days=day), metric="session_minutes", variant=variant,
            role="primary", method=method, **measured((0.06, 0.06 - 0.04 * count / day, 0.06 + 0.04 * count / day)),
        )
        for day in range(1, count + 1)
    ]  # fmt: skip


def check(name: str, finding: str, passed: bool = True, subject: str = "all") -> Row:
    return blank(
        "health", health_check=name, subject=subject, passed=passed, units=170, threshold=0.001, finding=finding
    )


def power(metric: str, **known: Any) -> Row:
    return blank("power", metric=metric, variant="treatment", role="primary", units=170, units_per_day=2.5, **known)


def decision(verdict: str, *reasons: str, **known: Any) -> Row:
    usual = {
        "experiment_id": "discovery_v2", "name": "Enhanced discovery", "decision": verdict, "variant": "treatment",
        "reasons": list(reasons), "days_left": 0, "as_of": dt.date(2026, 3, 29), "units": 1234,
        "primary_metric": "session_minutes",
    }  # fmt: skip
    return blank("decisions", **{**usual, **known})


SHIPPED = Page(
    decision(
        "SHIP",
        "session_minutes became better.",
        "Guardrail skip_rate holds.",
        rollout_effect=json.dumps(
            {
                "sessions": {"value": 120_000.4, "low": -5_000.0, "high": 245_000.0},
                "value": {"value": 6_000.0, "low": 250.0, "high": 11_750.0},
            }
        ),
    ),
    [
        result("skip_rate", UNCLEAR, "guardrail", margin=0.2, worst_case=-0.06, is_non_inferior=True),
        result("session_minutes", UP, "primary", p_adjusted=0.0246),
        result("session_minutes", (0.05, 0.03, 0.07), "primary", "cuped"),
        without_interval(result("session_minutes", UP, "primary", "sequential")),
        result("watch_hours", UP, "secondary", p_adjusted=0.0333),
        result("plays_per_user", DOWN),
        {**result("session_minutes", UP, "primary"), "dimension": "plan", "segment": "free", "mean_control": 777.0},
    ],
    days(28),
    [
        check("every_variant_has_units", "90 in control, 80 in treatment"),
        check("variants_were_alike_before_exposure", "12 in treatment", passed=False, subject="watch_hours in treatment"),
    ],
    [
        power("session_minutes", target_lift=0.02, detectable_lift=0.0456, units_needed=2_000, days_still_needed=1),
        {**power("watch_hours"), "role": "secondary"},
        {**power("genre_diversity"), "role": "other"},
    ],
)  # fmt: skip
NOT_BEGUN = Page(
    decision("KEEP_RUNNING", "It has not begun.", variant=None, units=0, days_left=30),
    [result("session_minutes", None, "primary", n_control=0, n_variant=0)],
    [],
    [check("every_variant_has_units", "no unit was exposed", passed=False)],
    [{**power("session_minutes"), "units": 0}],
)


def pictures_in(markdown: str) -> list[str]:
    return re.findall(r"!\[(.*?)\]\(data:image/png;base64,[A-Za-z0-9+/=]+\)", markdown)


def without_pictures(markdown: str) -> str:
    return re.sub(r"!\[.*?\]\(.*?\)", "", markdown)


class TestOnTheTerminal:
    def test_verdict_meaning_reasons_and_roll_out_come_first(self):
        assert told(SHIPPED).splitlines()[:6] == [
            "discovery_v2: SHIP (give it to everybody)",
            "Enhanced discovery, as of 2026-03-29, 1,234 units",
            "  - session_minutes became better.",
            "  - Guardrail skip_rate holds.",
            "  - A roll-out would bring +120,000 sessions (interval −5,000 to +245,000; it may be nothing).",
            "  - A roll-out would bring +6,000 in value (interval +250 to +11,750).",
        ]

    def test_metrics_with_a_role_are_listed_by_method_the_primary_first(self):
        text = told(SHIPPED)
        fixed, cuped = (
            text.split(title)[1].split("\n\n")[0].splitlines()[1:] for title in ("Fixed test", "With CUPED")
        )
        assert [line.split() for line in fixed] == [
            ["session_minutes", "of", "treatment", "primary", "40", "42.4", "+6.0", "%", "+2.0", "%", "to", "+10.0", "%", "0.012", "0.025"],
            ["skip_rate", "of", "treatment", "guardrail", "40", "40.4", "+1.0", "%", "−5.0", "%", "to", "+7.0", "%", "0.012", "–"],
            ["watch_hours", "of", "treatment", "secondary", "40", "42.4", "+6.0", "%", "+2.0", "%", "to", "+10.0", "%", "0.012", "0.033"],
        ]  # fmt: skip
        assert [line.split()[:1] for line in cuped] == [["session_minutes"]]

    def test_a_method_that_gives_no_interval_of_anything_has_no_table(self):
        assert "Confidence sequence" not in told(SHIPPED)
        known = Page(SHIPPED.decision, [result("session_minutes", UP, "primary", "sequential")], [], [], [])
        assert "Confidence sequence" in told(known)

    def test_what_cannot_be_known_beside_what_can_is_a_dash(self):
        of_none = {**result("skip_rate", (0.0, 0.0, 0.0), "guardrail"), "mean_control": 0.0, "lift": None}
        found = Page(
            SHIPPED.decision, [result("session_minutes", UP, "primary"), without_interval(of_none)], [], [], []
        )
        (line,) = [line for line in told(found).splitlines() if line.startswith("  skip_rate")]
        assert line.split()[-4:] == ["–", "–", "–", "–"]

    def test_checks_that_fail_stand_before_those_that_pass(self):
        health = told(SHIPPED).split("Health\n")[1].splitlines()
        assert health[:2] == [
            "  FAILED variants were alike before exposure (watch_hours in treatment): 12 in treatment",
            "  ok every variant has units: 90 in control, 80 in treatment",
        ]

    def test_power_is_told_of_metrics_with_a_role(self):
        assert told(SHIPPED).split("Power at 80 %\n")[1].splitlines() == [
            "  session_minutes of treatment: 170 units can show a lift of 4.6 %; 2.0 % takes 2,000, 1 day more at 2.5 new units a day",
            "  watch_hours of treatment: 170 units, too few or too alike to tell what they can show",
        ]

    def test_an_experiment_that_has_not_begun_is_told_without_tables(self):
        text = told(NOT_BEGUN)
        assert text.startswith("discovery_v2: KEEP_RUNNING (wait)\n")
        assert "Fixed test" not in text
        assert "FAILED every variant has units: no unit was exposed" in text
        assert "None" not in text

    @pytest.mark.parametrize(
        ("is_calibrated", "said"), [(True, ", and it looks calibrated"), (False, ", and it does not look calibrated")]
    )
    def test_a_calibration_says_how_it_ended(self, is_calibrated: bool, said: str):
        found = Page(decision("CALIBRATION", "Nothing differs.", is_calibrated=is_calibrated), [], [], [], [])
        assert said in told(found).splitlines()[0]
        assert said in page(found)

    @pytest.mark.parametrize("verdict", contracts.experiments.VERDICTS)
    def test_every_verdict_is_explained(self, verdict: str):
        assert VERDICTS[verdict] in told(Page(decision(verdict, "For a reason."), [], [], [], []))

    def test_numbers_of_any_size_can_be_read(self):
        large, small = (
            result("watch_hours", UP, "secondary", mean_control=mean, mean_variant=mean)
            for mean in (1_234_567.8, 0.00123)
        )
        text = told(Page(SHIPPED.decision, [large, small], [], [], []))
        assert "1,234,568" in text
        assert "0.00123" in text


class TestInTheUi:
    def test_everything_is_on_the_page(self):
        markdown = page(SHIPPED)
        assert pictures_in(markdown) == ["effects on every metric", "the primary metric, cumulated by day"]
        text = without_pictures(markdown).replace("\\", "")
        for part in (
            "## Enhanced discovery: SHIP",
            "give it to everybody; as of 2026-03-29, 1,234 units",
            "- session_minutes became better.",
            "- A roll-out would bring +120,000 sessions (interval −5,000 to +245,000; it may be nothing).",
            "| session_minutes of treatment | primary | 40 | 42.4 | +6.0 % | +2.0 % to +10.0 % | 0.012 | 0.025 |",
            "| plays_per_user of treatment | other | 40 | 36.8 | −8.0 % | −12.0 % to −4.0 % | 0.012 | – |",
            "| With CUPED |",
            "- FAILED variants were alike before exposure (watch_hours in treatment): 12 in treatment",
            "- session_minutes of treatment: 170 units can show a lift of 4.6 %",
        ):
            assert part in text
        assert "777" not in text

    def test_an_experiment_of_which_nothing_is_known_has_no_picture(self):
        markdown = page(NOT_BEGUN)
        assert pictures_in(markdown) == []
        assert "None" not in markdown
        assert "- It has not begun." in markdown

    def test_no_character_of_a_name_or_a_reason_is_taken_for_markdown(self):
        name, reason = "*Bold* [x](http://x) | #1\n# <b>`now`</b>", "d1_retention_ of _treatment_ | fell * by <5 %"
        found = Page(
            decision("REVIEW", reason, name=name),
            [],
            [],
            [check("every_variant_has_units", "<script> in *control*")],
            [],
        )
        markdown = page(found)
        assert markdown.splitlines()[0] == (r"## \*Bold\* \[x\](http://x) \| \#1 \# \<b\>\`now\`\</b\>: REVIEW")
        assert r"- d1\_retention\_ of \_treatment\_ \| fell \* by \<5 %" in markdown
        assert r"\<script\> in \*control\*" in markdown
        assert told(found).splitlines()[1].startswith("*Bold* [x](http://x) | #1 # <b>`now`</b>, as of")


def drawn(made: bytes) -> "np.ndarray[Any, Any]":
    assert len(made) < 100_000
    picture = Image.open(io.BytesIO(made))
    assert (picture.format, picture.width) == ("PNG", 900)
    return np.asarray(picture.convert("RGB")).astype(int)


def places(picture: "np.ndarray[Any, Any]", colour: str) -> "np.ndarray[Any, Any]":
    """Rows and columns of the pixels of a colour."""
    wanted = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return np.argwhere(np.abs(picture - wanted).max(axis=2) < 12)


def of_results(*results: Row) -> Page:
    return Page(SHIPPED.decision, results, [], [], [])


@pytest.fixture(autouse=True)
def _warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


class TestThePictureOfEffects:
    def test_roles_have_their_colours(self):
        picture = drawn(draw_effects(SHIPPED))
        for colour in (BLUE, VERMILION, ORANGE, GREY):
            assert len(places(picture, colour))

    def test_one_metric(self):
        picture = drawn(draw_effects(of_results(result("session_minutes", UP, "primary"))))
        assert not len(places(picture, VERMILION))

    def test_two_variants_have_a_line_each_on_every_metric(self):
        metrics = ("session_minutes", "skip_rate", "sessions_in_first_7_days")
        one, two = (
            drawn(
                draw_effects(of_results(*(result(m, UP, variant=v) for m in metrics for v in ("red", "blue")[:count])))
            )
            for count in (1, 2)
        )
        assert two.shape[0] > one.shape[0] + 90

    @pytest.mark.parametrize(("metric", "side"), [("d1_retention", -1), ("skip_rate", 1)])
    def test_a_margin_beyond_all_intervals_is_in_the_picture_on_the_side_of_what_is_worse(self, metric: str, side: int):
        picture = drawn(draw_effects(of_results(result(metric, (0.0, -0.05, 0.05), "guardrail", margin=0.5))))
        right_of_labels = picture[50:-55, 100:]
        columns, pixels = np.unique(places(right_of_labels, INK)[:, 1], return_counts=True)
        zero, margin = columns[np.argsort(-pixels)[:2]]
        assert np.sign(margin - zero) == side
        assert abs(margin - zero) > 300

    @pytest.mark.parametrize(
        "lift",
        [(0.5, -3.0, 4.0), (2.0, 1.5, 2.5), (-0.9, -1.7, -0.1), (0.0, 0.0, 0.0), (1e-7, -1e-6, 1e-6)],
        ids=["both ends beyond", "all beyond", "one end beyond", "nothing at all", "next to nothing"],
    )
    def test_lifts_of_any_size_are_drawn(self, lift: tuple[float, float, float]):
        picture = drawn(draw_effects(of_results(result("session_minutes", lift, "primary"))))
        columns = places(picture, BLUE)[:, 1]
        assert columns.min() > 100
        assert columns.max() < 900

    def test_what_has_no_interval_yet_is_left_out(self):
        known, unknown = result("session_minutes", UP, "primary"), without_interval(result("skip_rate", UP))
        assert draw_effects(of_results(known, unknown)) == draw_effects(of_results(known))
        assert pictures_in(page(of_results(unknown))) == []


class TestThePictureOfDays:
    def test_the_fixed_interval_and_the_sequence(self):
        alone = drawn(draw_cumulated(SHIPPED))
        both = drawn(
            draw_cumulated(Page(SHIPPED.decision, [], [*SHIPPED.daily_results, *days(28, "sequential")], [], []))
        )
        assert len(places(alone, BLUE)) > 500
        band = places(both, "#D1E4F0")
        assert len(band) > 10_000
        assert not len(places(alone, "#D1E4F0"))

    def test_a_sequence_that_begins_later_than_the_days(self):
        sequence = [without_interval(row) for row in days(20, "sequential")] + days(28, "sequential")[20:]
        drawn(draw_cumulated(Page(SHIPPED.decision, [], [*days(28), *sequence], [], [])))

    @pytest.mark.parametrize("methods", [("fixed",), ("fixed", "sequential")])
    def test_one_day_only_can_be_seen(self, methods: tuple[str, ...]):
        found = Page(SHIPPED.decision, [], [row for method in methods for row in days(1, method)], [], [])
        assert len(places(drawn(draw_cumulated(found)), BLUE)) > 20

    def test_no_interval_yet(self):
        found = [without_interval(row) for method in ("fixed", "sequential") for row in days(9, method)]
        drawn(draw_cumulated(Page(SHIPPED.decision, [], found, [], [])))

    def test_days_without_a_lift_are_left_out(self):
        unknown = [{**row, **dict.fromkeys(("lift", "lift_low", "lift_high"))} for row in days(28)[:10]]
        drawn(draw_cumulated(Page(SHIPPED.decision, [], [*unknown, *days(28)[10:]], [], [])))

    def test_of_several_variants_it_is_the_one_that_the_decision_is_about(self):
        red = [{**row, "lift": 0.9, "lift_low": 0.8, "lift_high": 1.0} for row in days(28, variant="red")]
        alone, beside_another = (
            draw_cumulated(Page(SHIPPED.decision, [], rows, [], [])) for rows in (days(28), [*days(28), *red])
        )
        assert alone == beside_another

    def test_where_the_decision_is_about_none_it_is_one_that_is_known(self):
        found = Page({**SHIPPED.decision, "variant": None}, [], days(5, variant="red"), [], [])
        assert pictures_in(page(found)) == ["the primary metric, cumulated by day"]
