"""Every picture is drawn from a service, from one row, and from what is hardly known; what is in it is seen by eye."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image

from streaming_assets import contracts
from streaming_assets.reporting import SHOWN, Plot, nothing_to_show
from streaming_assets_tests.reporting.service import service
from streaming_assets_tests.reporting.situations import T, cohort, iso_week, mart, mondays

SERVICE = service()
PLOTS = [
    (table.removeprefix("marts/"), plot)
    for table, shown in SHOWN.items()
    if table.startswith("marts/")
    for plot in shown.plots
]
EACH_PLOT = pytest.mark.parametrize(("name", "plot"), PLOTS, ids=[plot.name for _, plot in PLOTS])


def drawn(plot: Plot, name: str, rows) -> Image.Image:
    """The picture of a mart's rows, which must be a small PNG; a warning of the library is an error."""
    frame = plot.reduce(mart(name, rows)).to_pandas()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = plot.draw(frame)
    assert len(made) < 100_000
    picture = Image.open(io.BytesIO(made))
    assert (picture.format, picture.width) == ("PNG", 900)
    return picture.convert("RGB")


def plot_of(name: str) -> Plot:
    return SHOWN[f"marts/{name}"].plots[0]


def has_colour(picture: Image.Image, colour: str) -> bool:
    wanted = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return bool((np.abs(np.asarray(picture).astype(int) - wanted).max(axis=2) < 12).any())


def least_known(name: str):
    """The service's rows without everything that may be NULL, but for keys and what the picture is of."""
    table = contracts.ALL[f"marts/{name}"]
    kept = {*table.key, "rate", "survival", "share", "mean_plays", "avg_completion_pct", "title"} - {"state"}
    gone = {column.name for column in table.columns if not column.not_null and column.name not in kept}
    return [{**row, **dict.fromkeys(gone)} for row in SERVICE[name]]


@EACH_PLOT
def test_a_service_is_drawn(name: str, plot: Plot):
    picture = drawn(plot, name, SERVICE[name])
    assert len(set(picture.getdata())) > 10


@EACH_PLOT
def test_one_row_is_drawn(name: str, plot: Plot):
    drawn(plot, name, SERVICE[name][:1])


@EACH_PLOT
def test_what_is_not_known_leaves_the_rest_of_the_picture_standing(name: str, plot: Plot):
    drawn(plot, name, least_known(name))


@EACH_PLOT
def test_an_empty_mart_yields_nothing_to_draw_and_a_sentence_why(name: str, plot: Plot):
    assert plot.reduce(mart(name)).to_pandas().empty
    assert nothing_to_show(f"marts/{name}").startswith("Nothing to show: ")


@EACH_PLOT
def test_no_picture_needs_more_than_some_hundred_rows(name: str, plot: Plot):
    assert 0 < len(plot.reduce(mart(name, SERVICE[name])).to_pandas()) <= 500


def test_plays_of_which_no_completion_is_known_are_not_drawn_as_zeros():
    rows = [{"content_id": "radio", "plays": 7, "first_play_date": T, "last_play_date": T}]
    assert plot_of("content_performance").reduce(mart("content_performance", rows)).to_pandas().empty
    assert "no play up to T has a known completion" in nothing_to_show("marts/content_performance")


def test_completion_adds_up_the_titles():
    reduced = (
        plot_of("content_performance").reduce(mart("content_performance", SERVICE["content_performance"])).to_pandas()
    )
    assert len(reduced) == 1
    assert (reduced.bin_0[0], reduced.bin_1[0], reduced.bin_19[0]) == (50 * 30, 50 * 12, 50 * 220)


def test_no_users_have_no_shares():
    rows = [{"segmentation": "engagement", "segment": "heavy", "users": 0, "share": None}]
    assert plot_of("segment_summary").reduce(mart("segment_summary", rows)).to_pandas().empty


def test_rates_of_nobody_are_not_drawn():
    rows = [{"breakdown": "overall", "segment": "all", "mode": "exact", "n": 90, "n_eligible": 0, "is_complete": False}]
    assert plot_of("retention").reduce(mart("retention", rows)).to_pandas().empty


def test_curves_are_of_all_users_only():
    reduced = plot_of("retention").reduce(mart("retention", SERVICE["retention"])).to_pandas()
    assert set(reduced.breakdown) == {"overall"}
    assert set(reduced["mode"]) == {"exact", "rolling"}


def test_the_latest_16_weekly_cohorts_are_shown_with_the_pooled_row():
    reduced = plot_of("cohort_retention").reduce(mart("cohort_retention", SERVICE["cohort_retention"])).to_pandas()
    assert set(reduced.cohort) == {"all", *(cohort(monday) for monday in mondays(17)[:-1])}


def test_a_new_year_follows_the_old_one_among_the_cohorts():
    rows = [
        {"cohort_period": "week", "cohort": label, "n": 0, "size": 1, "n_eligible": 1, "rate": 1.0}
        for label in [f"2025-W{week:02d}" for week in range(30, 53)] + ["2026-W01", "2026-W02"]
    ]
    reduced = plot_of("cohort_retention").reduce(mart("cohort_retention", rows)).to_pandas()
    assert min(reduced.cohort) == "2025-W39"
    assert max(reduced.cohort) == "2026-W02"


def test_a_long_life_of_few_users_is_drawn_to_where_nobody_is_left():
    rows = [
        {"day": day, "n_at_risk": 3 - day // 700, "survival": share, "survival_low": low, "survival_high": high}
        for day in range(2101)
        for share, low, high in [((3 - day // 700) / 3, None, None) if day >= 2100 else (1 - day // 700 / 3, 0.1, 0.9)]
    ]
    drawn(plot_of("survival"), "survival", rows)


def test_users_of_whom_none_is_lost_stay_at_the_top():
    rows = [
        {"day": day, "n_at_risk": 4, "survival": 1.0, "survival_low": 1.0, "survival_high": 1.0} for day in range(5)
    ]
    assert has_colour(drawn(plot_of("survival"), "survival", rows), "#0072B2")


def test_a_week_that_is_not_over_looks_lighter():
    monday = mondays(1)[0]
    week = {**iso_week(monday), "active": 10, "returning": 10}
    over, not_over = (
        drawn(plot_of("lifecycle_weekly"), "lifecycle_weekly", [{**week, "is_complete": complete}])
        for complete in (True, False)
    )
    middle = np.asarray(over)[150:250, 440:460].mean(), np.asarray(not_over)[150:250, 440:460].mean()
    assert middle[1] > middle[0] + 30


def test_days_without_plays_are_drawn_at_zero():
    rows = [{"date": T, "plays": 0, "active_users": 0}]
    drawn(plot_of("platform_daily"), "platform_daily", rows)


def test_a_title_is_shown_as_it_is_written_and_not_as_a_formula():
    rows = [
        {"content_id": "c1", "title": "$x^$_{", "rank": 1, "plays_7d": 5},
        {
            "content_id": "c2",
            "title": "Two\nlines\tand 夜の船 " + "on and " * 200,
            "rank": 2,
            "plays_7d": 4,
            "rank_week_before": 1,
        },
    ]
    drawn(plot_of("top_content_7d"), "top_content_7d", rows)


def test_a_state_that_is_not_known_has_a_bar_like_any_other():
    rows = [{"state": None, "plays": 9, "users": 2}, {"state": "CA", "plays": 8, "users": 2}]
    reduced = plot_of("state_metrics").reduce(mart("state_metrics", rows)).to_pandas()
    assert reduced.plays.tolist() == [9, 8]
    drawn(plot_of("state_metrics"), "state_metrics", rows)
