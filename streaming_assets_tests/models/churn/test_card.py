"""The model card: what a product manager reads, word for word where a figure stands in it."""

import datetime as dt

import pandas as pd
import pytest

from streaming_assets.contracts.models.churn import CANDIDATES, FAMILIES, FEATURES, OUTCOMES
from streaming_assets.models.churn.card import card

CUTOFFS = [dt.date(2026, 1, 5), dt.date(2026, 1, 12), dt.date(2026, 2, 16), dt.date(2026, 3, 30)]
CHAMPION = {
    "outcome": "trained",
    "reason": "logistic_regression has a log loss of 0.3000.",
    "version": "a1b2c3",
    "candidate": "logistic_regression",
    "label": "inactivity",
    "trained_as_of": dt.date(2026, 4, 30),
    "model_as_of": dt.date(2026, 4, 30),
    "train_cutoffs": CUTOFFS[:2],
    "calibrate_cutoffs": [CUTOFFS[2]],
    "test_cutoffs": [CUTOFFS[3]],
    "families": list(FAMILIES),
    "dropped": [],
    "shuffled_auc": 0.503,
    "best_single_feature_auc": 0.61,
    "best_single_feature": "skip_rate",
}
WITHOUT = {"version": None, "candidate": None, "model_as_of": None}


def candidate(name, precision, is_challenger=False, fold="test"):
    return {
        "candidate": name,
        "fold": fold,
        "is_challenger": is_challenger,
        "n": 4_000,
        "prevalence": 0.123,
        "log_loss": 0.3,
        "auc": 0.78,
        "ece": 0.012,
        "ece_limit": 0.018,
        "precision_at_capacity": precision,
        "recall_at_capacity": 0.333,
        "gain": 0.052,
        "gain_low": 0.03,
        "gain_high": 0.071,
    }


CANDIDATES_SEEN = [
    candidate("base_rate", 0.123),
    candidate("recency_only", 0.34),
    candidate("logistic_regression", 0.99, is_challenger=True, fold="calibrate"),
    candidate("logistic_regression", 0.41, is_challenger=True),
]
RELIABILITY = [
    {"bin": 10, "mean_probability": 0.01, "observed_rate": 0.012, "rate_low": 0.005, "rate_high": 0.03},
    {"bin": 1, "mean_probability": 0.4, "observed_rate": 0.41, "rate_low": 0.36, "rate_high": 0.46},
]


def slice_of(dimension, name, n=1_000, prevalence=0.2, said=0.2, auc=0.78):
    return {
        "dimension": dimension,
        "slice": name,
        "n": n,
        "n_churned": 0 if prevalence is None else round(n * prevalence),
        "prevalence": prevalence,
        "mean_probability": said,
        "auc": auc,
    }


def text(candidates=None, slices=(), drift=None, **champion):
    """The card on one line, so that no line break hides a sentence."""
    found = card(
        CHAMPION | champion,
        pd.DataFrame(CANDIDATES_SEEN if candidates is None else candidates),
        pd.DataFrame(RELIABILITY),
        pd.DataFrame(list(slices), columns=list(slice_of("plan", "free"))),
        None if drift is None else pd.DataFrame({"feature": list(drift), "psi": list(drift.values())}),
    )
    return " ".join(found.split())


def test_it_tells_what_is_predicted_for_whom_and_by_what():
    assert "the probability that the user plays nothing in the 28 days that begin one day after the cutoff" in text()
    assert "Users who are new or lapsed have no probability" in text()
    assert "a logistic regression on all features, trained with the data up to 2026-04-30, version a1b2c3" in text()


def test_where_users_cancel_it_says_that_a_cancellation_is_predicted():
    assert "the probability that the user cancels in the 28 days" in text(label="cancellation")


def test_it_tells_the_cutoffs_of_each_stage_and_that_the_recipe_was_refitted():
    assert (
        "It learnt from 2 weekly snapshots from 2026-01-05 to 2026-01-12, was calibrated on 1 weekly snapshot of 2026-02-16 "
        "and judged by 1 weekly snapshot of 2026-03-30, which it had not seen." in text()
    )
    assert "After this report the same recipe was refitted on all closed cutoffs" in text()


def test_it_tells_in_words_how_many_of_those_called_leave_beside_chance_and_recency():
    assert "Of the 10 % that we would call, 41.0 % leave; calling at random would reach 12.3 %." in text()
    assert "Among those called are 33.3 % of all who leave." in text()
    assert "Calling those who have not played for longest would reach 34.0 %." in text()
    assert "is +5.2 % (90 % interval +3.0 % to +7.1 %)" in text()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("recency_only", "It knows nothing but how long ago a user played: richer models were not clearly better."),
        ("base_rate", "It tells nobody apart"),
    ],
)
def test_a_simple_model_says_that_it_is_simple(name, sentence):
    candidates = [candidate(each, 0.34, is_challenger=each == name) for each in ("base_rate", "recency_only")]
    assert sentence in text(candidates=candidates, candidate=name)


def test_a_model_that_was_not_replaced_does_not_boast_with_the_figures_of_its_rival():
    said = text(outcome="kept", candidate="recency_only", model_as_of=dt.date(2026, 2, 1), reason="0.2 % better.")
    assert "The model that scores is a logistic regression on nothing but how long ago a user played" in said
    assert "trained with the data up to 2026-02-01" in said
    assert (
        "The figures are of the model put forward last, a logistic regression on all features, which did not replace the "
        "one that scores." in said
    )
    assert "Why this model: 0.2 % better." in said
    assert "refitted" not in said


def test_it_tells_what_was_said_and_seen_of_the_riskiest_and_the_safest_tenth():
    assert (
        "Of the riskiest tenth it says that 40.0 % leave, and 41.0 % did (95 % interval 36.0 % to 46.0 %); of the safest "
        "1.0 %, and 1.2 % did." in text()
    )
    assert "differ by 1.2 % on average; chance alone would make that up to 1.8 %" in text()


def test_slices_whose_risk_is_misjudged_beyond_chance_are_named():
    # Three standard errors of 20 % are 3.8 points with 1,000 rows, and 12 with 100.
    slices = [
        slice_of("plan", "free", prevalence=0.2, said=0.239),
        slice_of("country", "DE", prevalence=0.2, said=0.15),
        slice_of("country", "FR", n=100, prevalence=0.2, said=0.3),
    ]
    assert "It overrates the risk of users with plan free (1,000 rows): 23.9 % said, 20.0 % left." in text(
        slices=slices
    )
    assert "It underrates the risk of users with country DE (1,000 rows): 15.0 % said, 20.0 % left." in text(
        slices=slices
    )
    assert "country FR" not in text(slices=slices)


def test_slices_that_are_ranked_worse_are_named_where_both_kinds_of_users_are_many():
    slices = [slice_of("age", "under 18", auc=0.7), slice_of("platform", "tv", n=140, auc=0.5)]
    assert "It ranks users with age under 18 (1,000 rows) worse: AUC 0.700, over all 0.780." in text(slices=slices)
    assert "platform tv" not in text(slices=slices)


def test_where_no_slice_is_worse_it_says_so_and_how_many_are_too_small_to_tell():
    slices = [slice_of("plan", "free"), slice_of("country", "IS", n=12, prevalence=None, said=None, auc=None)]
    assert "In none of them does it say or rank notably worse than over all." in text(slices=slices)
    assert "Of 1 slice nothing can be said: fewer than 30 rows." in text(slices=slices)


def test_names_from_the_data_are_text_and_no_markdown():
    assert r"country \<b\>\*x\*\</b\> y" in text(slices=[slice_of("country", "<b>*x*</b>\ny", said=0.5)])


def test_it_tells_what_the_data_lacks():
    assert "Nothing: every feature of every family is known." in text()
    plan = [column.name for column in FEATURES["plan"]]
    said = text(families=[family for family in FAMILIES if family != "plan"], dropped=[*plan, "genre_entropy"])
    assert "Nothing is known of `plan`: no risk can be associated with that." in said
    assert "no two different values of them: `is_paid`, `is_premium`, `premium_unused`, `genre_entropy`." in said


def test_it_says_that_drivers_are_associations_and_what_it_must_not_be_used_for():
    assert "A driver is what the risk is associated with in the model: it is no proof of a cause." in text()
    assert "To say what a call achieves: who is likely to leave is not who can be kept." in text()
    assert "To treat anybody worse" in text()


def test_it_tells_when_to_train_again_and_which_features_shift_at_present():
    assert "At present" not in text()
    assert "At present users are like those that it learnt from." in text(drift={"plays_7": 0.02, "skip_rate": None})
    drift = {"plays_7": 0.3, "plays_28": 0.12, "skip_rate": 0.05}
    assert "At present, against what it learnt from, shifted: `plays_7`; moving: `plays_28`." in text(drift=drift)


def test_it_tells_what_guards_against_a_look_into_the_future():
    assert (
        "ranks with AUC 0.503, where chance is 0.5; of the features other than inactivity `skip_rate` ranks best"
        in text()
    )
    assert text(best_single_feature=None, best_single_feature_auc=None).count("where chance is 0.5.") == 1


@pytest.mark.parametrize("name", CANDIDATES)
def test_every_kind_of_model_can_be_told_of(name):
    candidates = [*CANDIDATES_SEEN[:2], candidate(name, 0.4, is_challenger=True)]
    assert "## What drivers are" in text(candidates=candidates, candidate=name)


@pytest.mark.parametrize("outcome", [outcome for outcome in OUTCOMES if outcome not in ("trained", "kept")])
def test_without_a_model_a_short_card_says_why_what_is_needed_and_what_stands(outcome):
    said = text(candidates=[], outcome=outcome, reason="Only 80 days.", train_cutoffs=[], **WITHOUT)
    assert said.startswith(
        "# Who is likely to leave: no model yet Nothing was trained with the data up to 2026-04-30. Only 80"
    )
    assert "Every user has a status in models/churn_scores all the same" in said
    assert "## How good it is" not in said


def test_too_short_a_history_says_how_long_it_must_be():
    assert "A model needs at least 115 days of data" in text(candidates=[], outcome="not_enough_history", **WITHOUT)


def test_where_nothing_was_trained_and_a_model_scores_on_it_says_from_when_it_is():
    said = text(candidates=[], outcome="one_class", reason="0 of 900 rows churned.", model_as_of=dt.date(2026, 2, 1))
    assert said.startswith("# Who is likely to leave: the model stays as it was")
    assert "Users are scored by the model of 2026-02-01, version a1b2c3." in said
    assert "no user has a probability" not in said
