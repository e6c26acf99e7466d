import numpy as np
import pandas as pd
import pytest

from streaming_assets.contracts.models.churn import FAMILIES, FEATURES
from streaming_assets.models.churn.design import design_of
from streaming_assets_tests.models.churn.audiences import EVERY_FAMILY, audience, split

ALL_FEATURES = tuple(column.name for columns in FEATURES.values() for column in columns)


@pytest.fixture
def rows() -> pd.DataFrame:
    return audience(50, split(1).train, EVERY_FAMILY)


def test_data_that_has_every_feature_keeps_all_of_them_in_the_order_of_the_contract(rows):
    design = design_of(rows)
    assert tuple(design.families) == FAMILIES
    assert design.features == ALL_FEATURES
    assert design.dropped == ()
    assert design.columns == (*ALL_FEATURES, "tenure_days", "observation_days")


def test_a_feature_without_two_known_values_is_dropped_and_a_family_without_features_too(rows):
    design = design_of(rows.assign(is_paid=1, is_premium=None, premium_unused=np.nan, skip_rate=0.0))
    assert design.dropped == ("skip_rate", "is_paid", "is_premium", "premium_unused")
    assert tuple(design.families) == FAMILIES[:-1]
    assert design.families["content_mismatch"] == ("completion_share", "abandoned_share", "preferred_genre_share")


def test_counts_hours_and_rates_are_logged_and_shares_and_trends_are_not(rows):
    design = design_of(rows)
    seen = pd.DataFrame(design.matrix(rows), columns=list(design.columns))
    for name in ("recency_hours", "plays_28", "watch_hours_7", "skip_rate", "genre_entropy"):
        np.testing.assert_allclose(seen[name], np.log(1 + rows[name].to_numpy()))
    for name in ("watch_trend", "completion_share", "is_premium", "premium_unused", "tenure_days"):
        np.testing.assert_allclose(seen[name], rows[name].to_numpy())


def test_an_unknown_value_becomes_the_median_of_the_rows_that_the_design_was_made_from(rows):
    three = rows.head(3).assign(recency_hours=[5.0, 7.0, 100.0], completion_share=[0.2, np.nan, 0.4])
    unknown = three.head(1).assign(recency_hours=np.nan, completion_share=np.nan)
    seen = dict(zip(design_of(three).columns, design_of(three).matrix(unknown)[0], strict=True))
    assert seen["recency_hours"] == pytest.approx(np.log(8))
    assert seen["completion_share"] == pytest.approx(0.3)


def test_a_refitted_design_has_the_same_features_and_new_medians(rows):
    design = design_of(rows.assign(skip_rate=1.0))
    refitted = design.refitted(rows.assign(recency_hours=9.0))
    assert refitted.features == design.features
    assert refitted.medians["recency_hours"] == 9.0


def test_whole_numbers_with_gaps_are_read_whatever_type_they_come_in(rows):
    as_objects = rows.assign(is_paid=[None, *rows["is_paid"][1:]])
    as_nullable = as_objects.assign(is_paid=as_objects["is_paid"].astype("Int64"))
    np.testing.assert_array_equal(design_of(as_objects).matrix(as_objects), design_of(as_nullable).matrix(as_nullable))


def test_positions_and_values_find_a_feature_in_the_matrix(rows):
    design = design_of(rows)
    matrix = design.matrix(rows)
    assert [design.columns[place] for place in design.positions("plan")] == ["is_paid", "is_premium", "premium_unused"]
    np.testing.assert_allclose(design.values(matrix, "plays_7"), rows["plays_7"])
    np.testing.assert_allclose(design.values(matrix, "tenure_days"), rows["tenure_days"])
