"""What the UI shows of the models of churn: every picture drawn from a service, one row and what is hardly known; the words read."""

import io
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import ibis
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from streaming_assets.contracts import Table
from streaming_assets.contracts.models import churn as contract
from streaming_assets.reporting.churn import performance, risk
from streaming_assets_tests.reporting import churn_service as service
from streaming_assets_tests.reporting.churn_service import table_of


class Part(NamedTuple):
    """A picture or a text: of which table, tried on which rows, and the nullable columns that it is of."""

    table: Table
    rows: list[dict[str, Any]]
    reduce: Callable[[ibis.Table], ibis.Table]
    show: Callable[[pd.DataFrame], Any]
    of: tuple[str, ...]

    def of_rows(self, rows: list[dict[str, Any]]) -> Any:
        return self.show(self.reduce(table_of(self.table, rows)).to_pandas())

    def hardly_known(self) -> list[dict[str, Any]]:
        kept = {*self.of, *(column.name for column in self.table.columns if column.not_null)}
        return [{name: value for name, value in row.items() if name in kept} for row in self.rows]


TENTHS = (contract.churn_reliability, service.reliability(), performance.tenths)
SUMMARY = (contract.churn_summary, service.summary())
PLOTS = [
    Part(*TENTHS, performance.draw_reliability, ("observed_rate", "mean_probability", "lift")),
    Part(*TENTHS, performance.draw_lift, ("observed_rate", "lift")),
    Part(
        contract.realised_performance, service.realised(), performance.judged_cutoffs, performance.draw_realised,
        ("log_loss", "base_rate_log_loss"),
    ),
    Part(*SUMMARY, risk.drivers, risk.draw_drivers, ("share",)),
    Part(*SUMMARY, risk.risk_bands, risk.draw_bands, ("expected_leavers",)),
    Part(contract.feature_drift, service.drift(), risk.known_drift, risk.draw_drift, ("psi",)),
    Part(contract.return_rate, service.returns(), risk.known_returns, risk.draw_return_rate, ("rate",)),
]  # fmt: skip
CANDIDATES = Part(
    contract.churn_candidates, service.candidates(), performance.held_out, performance.tell_candidates, ("log_loss",)
)
SLICES = Part(
    contract.churn_slices, service.slices(), performance.largest_slices, performance.tell_slices,
    ("log_loss", "mean_probability", "prevalence"),
)  # fmt: skip
REASONS = Part(contract.churn_reasons, service.reasons(), performance.whole, risk.tell_reasons, ())
CARD = Part(contract.churn_champion, service.champion(), performance.whole, performance.tell_card, ())
EACH_PLOT = pytest.mark.parametrize("plot", PLOTS, ids=[plot.show.__name__ for plot in PLOTS])
TEXTS = [CANDIDATES, SLICES, REASONS, CARD]
EACH_TEXT = pytest.mark.parametrize("text", TEXTS, ids=[text.show.__name__ for text in TEXTS])
EACH_PART = pytest.mark.parametrize("part", [*PLOTS, *TEXTS], ids=[part.show.__name__ for part in [*PLOTS, *TEXTS]])


def drawn(plot: Part, rows: list[dict[str, Any]]) -> Image.Image:
    """The picture, which must be a small PNG; a warning of the library is an error."""
    frame = plot.reduce(table_of(plot.table, rows)).to_pandas()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = plot.show(frame)
    assert len(made) < 100_000
    picture = Image.open(io.BytesIO(made))
    assert (picture.format, picture.width) == ("PNG", 900)
    return picture.convert("RGB")


def has_colour(picture: Image.Image, colour: str) -> bool:
    wanted = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return bool((np.abs(np.asarray(picture).astype(int) - wanted).max(axis=2) < 12).any())


def cells(markdown: str) -> list[list[str]]:
    """The rows of the Markdown table of a text, its head and ruler left out."""
    return [line.strip("| ").split(" | ") for line in markdown.splitlines() if line.startswith("|")][2:]


@EACH_PLOT
def test_a_service_is_drawn_and_so_is_a_single_row_of_which_hardly_anything_is_known(plot: Part):
    assert len(set(drawn(plot, plot.rows).getdata())) > 10
    single = next(row for row in plot.hardly_known() if len(plot.reduce(table_of(plot.table, [row])).to_pandas()))
    drawn(plot, [single])


@EACH_PART
def test_an_empty_table_yields_nothing_to_show(part: Part):
    assert part.reduce(table_of(part.table)).to_pandas().empty


@EACH_TEXT
def test_nothing_unknown_is_told_as_a_number(text: Part):
    for rows in (text.rows, text.hardly_known(), text.hardly_known()[:1]):
        told = text.of_rows(rows)
        assert told
        assert "nan" not in told.lower()
        assert "None" not in told


class TestPictures:
    def test_features_are_coloured_by_how_far_they_shifted(self):
        blue, orange, vermilion = "#0072B2", "#E69F00", "#D55E00"
        row = {"feature": "skip_rate", "family": "content_mismatch"}
        picture = drawn(PLOTS[5], [{**row, "psi": 0.2}])
        assert [has_colour(picture, colour) for colour in (blue, orange, vermilion)] == [False, True, False]
        picture = drawn(PLOTS[5], [{**row, "psi": 0.3}, {**row, "psi": 0.05}])
        assert [has_colour(picture, colour) for colour in (blue, orange, vermilion)] == [True, False, True]

    def test_no_dominant_driver_is_grey_and_drivers_that_nobody_has_are_left_out(self):
        none = {"breakdown": "driver", "value": contract.NO_DRIVER, "users": 3, "share": 1.0}
        nobody = {"breakdown": "driver", "value": "plan", "users": 0, "share": 0.0}
        assert not has_colour(drawn(PLOTS[3], [none, nobody]), "#0072B2")
        assert has_colour(drawn(PLOTS[3], [none, {**nobody, "users": 3, "share": 0.5}]), "#0072B2")

    def test_bands_without_a_champion_are_not_drawn(self):
        rows = [{"breakdown": "risk_band", "value": "high", "users": 0}]
        assert risk.risk_bands(table_of(contract.churn_summary, rows)).to_pandas().empty


class TestCandidates:
    def test_the_challenger_is_told_with_its_gain_calibration_and_precision(self):
        assert CANDIDATES.of_rows(CANDIDATES.rows).startswith(
            "**Logistic regression is put forward.** Its log loss is 6.4 % lower than that of recency alone (90 % interval "
            "+5.2 to +7.7 %). Of 5,210 held-out users × cutoffs 14.0 % left; of the 521 that it takes for the riskiest, "
            "47.6 %. Its probabilities are off by 1.2 points on average (ECE); were they exactly right, chance alone would "
            "give up to 2.1.\n\n"
        )

    def test_the_table_is_of_the_test_fold_with_the_lowest_log_loss_first(self):
        listed = cells(CANDIDATES.of_rows(CANDIDATES.rows))
        assert [row[0] for row in listed] == [
            "**logistic regression** (challenger)", "gradient boosting", "random forest", "recency only", "BG/NBD", "base rate",
        ]  # fmt: skip
        assert listed[0][1:] == [
            "0.3318", "+6.4 % (+5.2 to +7.7 %)", "0.814", "0.454 (0.140)", "0.012 (0.021)", "47.6 % of 521",
        ]  # fmt: skip

    def test_an_interval_that_includes_no_gain_shows_none(self):
        rows = [
            {**row, "gain": 0.004, "gain_low": -0.011, "gain_high": 0.019} for row in CANDIDATES.rows if row["is_challenger"]
        ]  # fmt: skip
        assert (
            "It is not shown to be better than recency alone: its gain in log loss is +0.4 % (90 % interval −1.1 to +1.9 %)."
            in CANDIDATES.of_rows(rows)
        )

    def test_recency_that_is_put_forward_is_not_compared_with_itself(self):
        rows = [{**row, "is_challenger": row["candidate"] == "recency_only"} for row in CANDIDATES.rows]
        text = CANDIDATES.of_rows(rows)
        assert text.startswith(
            "**Recency only is put forward.** No other is shown to be better than knowing how long ago a user played."
        )
        assert cells(text)[3][:3] == ["**recency only** (challenger)", "0.3544", "–"]


class TestSlices:
    def test_the_widest_gap_is_named_first(self):
        assert SLICES.of_rows(SLICES.rows).startswith(
            "The widest gap between what was said and what came: plan: premium, 11.2 % said and 8.1 % left (710 users × cutoffs)."
        )

    def test_the_largest_dozen_of_each_dimension_is_listed_and_those_without_figures_are_not(self):
        listed = [row[0] for row in cells(SLICES.of_rows(SLICES.rows))]
        assert listed[:2] == ["country: C00", "country: C01"]
        assert listed[11:] == ["country: C11", "plan: free", "plan: basic", "plan: premium"]

    def test_no_slice_breaks_the_table(self):
        rows = [{**SLICES.rows[0], "slice": "a|b\n<i>"}]
        assert cells(SLICES.of_rows(rows))[0][0] == r"plan: a\|b \<i\>"


class TestReasons:
    def test_a_model_is_told_against_the_most_frequent_reason_and_each_reason_with_its_driver(self):
        text = REASONS.of_rows(REASONS.rows)
        assert text.startswith(
            "**A random forest on the features beats always saying the most frequent reason** (trained: macro-F1 0.47, where "
            "always the most frequent reason has 0.14 and the first driver alone 0.31; 480 users, each judged by a forest that "
            "had not seen them)."
        )
        assert [row[0] for row in cells(text)] == [r"nothing\_to\_watch", r"too\_expensive", "technical", "other"]
        assert cells(text)[0][5] == r"content\_mismatch (61.0 %)"
        assert cells(text)[3] == ["other", "12", "–", "–", "–", "plan (50.0 %)"]
        assert text.endswith("Reasons without figures are stated by too few users to be told apart.")

    def test_where_there_is_none_it_is_said_why(self):
        rows = [{"reason": "all", "status": "no user states a reason", "n": 0}]
        assert REASONS.of_rows(rows) == "**There is no model of reasons**: no user states a reason."

    def test_one_that_is_no_better_is_told_so(self):
        rows = [{"reason": "all", "status": "trained", "n": 60, "f1": 0.14, "baseline_f1": 0.14}]
        assert "does not beat always saying the most frequent reason" in REASONS.of_rows(rows)


def test_the_card_is_shown_as_it_is_written():
    assert CARD.of_rows(CARD.rows) == "## Card\n\n- one"
