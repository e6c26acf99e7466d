"""The model of churn told to whoever decides what is done with it, as Markdown."""

import datetime as dt
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from streaming_assets.contracts.models.churn import FAMILIES
from streaming_assets.experiments.figures import counted, percent
from streaming_assets.models.churn import card_words as words

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]

NOTABLE_GAP, NOTABLE_ERRORS = 0.02, 3
"""Said and seen differ notably by so many points, and by so many standard errors: a slice is one of many."""

NOTABLE_AUC, LEAST_OF_A_CLASS = 0.05, 30
"""A slice is ranked notably worse by so much, with so many users of either kind."""

MOST_TOLD = 5
SHIFTED, SHIFTING = 0.25, 0.1
_MEANT_AS_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~&#!])")


def card(
    champion: Row,
    candidates: "pd.DataFrame",
    reliability: "pd.DataFrame",
    slices: "pd.DataFrame",
    drift: "pd.DataFrame | None" = None,
) -> str:
    """A model card for a product manager, after Mitchell and others, Model Cards for Model Reporting, FAT* 2019.

    champion: the row of models/churn_champion but for the card; the frames: rows of models/churn_candidates,
    churn_reliability, churn_slices and, where it is known, feature_drift. Where nothing was trained, a short card says why,
    what is needed, and what stands all the same.
    """
    if champion["outcome"] in words.NEEDED:
        return "\n\n".join(_untrained(champion)) + "\n"
    held_out = {row["candidate"]: row for row in candidates[candidates.fold == "test"].to_dict("records")}
    judged = next(row for row in held_out.values() if row["is_challenger"])
    sections = {
        "What it says": _purpose(champion),
        "What it learnt from": _training(champion),
        "How good it is": _quality(champion, judged, held_out),
        "Whether its probabilities can be taken at their word": _calibration(judged, reliability),
        "Whom it serves worse": _fairness(judged, slices),
        "What the data lacks": _gaps(champion),
        "What drivers are": words.DRIVERS,
        "What it must not be used for": words.LIMITS,
        "When to train it again": _renewal(drift),
    }
    return (
        "\n\n".join(["# Who is likely to leave", *(f"## {name}\n\n{text}" for name, text in sections.items())]) + "\n"
    )


def _untrained(champion: Row) -> Iterator[str]:
    stands = champion["version"] is not None
    yield "# Who is likely to leave: " + ("the model stays as it was" if stands else "no model yet")
    yield f"Nothing was trained with the data up to {champion['trained_as_of']}. {champion['reason']}"
    yield words.NEEDED[champion["outcome"]]
    if stands:
        yield (
            f"Users are scored by the model of {champion['model_as_of']}, version {champion['version']}. Its own card tells "
            "how good it was. Be wary of it the older it is."
        )
    else:
        yield words.WITHOUT_MODEL


def _purpose(champion: Row) -> str:
    return (
        f"For every active user, the probability that the user {words.LABELS[champion['label']]}. {words.POPULATION}\n\n"
        f"The model that scores is {words.MODELS[champion['candidate']]}, trained with the data up to "
        f"{champion['model_as_of']}, version {champion['version']}."
    )


def _training(champion: Row) -> str:
    kept = champion["outcome"] == "kept"
    learnt = "The model put forward by the last training" if kept else "It"
    return (
        f"{learnt} learnt from {_cutoffs(champion['train_cutoffs'])}, was calibrated on "
        f"{_cutoffs(champion['calibrate_cutoffs'])} and judged by {_cutoffs(champion['test_cutoffs'])}, which it had not "
        f"seen. {words.STAGES}{'' if kept else words.REFIT}"
    )


def _cutoffs(cutoffs: Sequence[dt.date]) -> str:
    many = counted(len(cutoffs), "weekly snapshot")
    return f"{many} of {cutoffs[0]}" if len(cutoffs) == 1 else f"{many} from {cutoffs[0]} to {cutoffs[-1]}"


def _quality(champion: Row, judged: Row, held_out: Mapping[str, Row]) -> str:
    model = words.MODELS[judged["candidate"]]
    whose = f"The figures are of the model put forward last, {model}, which did not replace the one that scores. "
    called = (
        f"Of the 10 % that we would call, {percent(judged['precision_at_capacity'])} leave; calling at random would reach "
        f"{percent(judged['prevalence'])}. Among those called are {percent(judged['recall_at_capacity'])} of all who leave"
    )
    return "\n\n".join(
        [
            f"{whose if champion['outcome'] == 'kept' else ''}{called}. {_beside_recency(judged, held_out)}",
            f"Why this model: {champion['reason']}",
            _table(held_out.values()),
            f"Judged by {counted(judged['n'], 'row')} of a user and a snapshot. {words.MEASURES}",
            _guards(champion),
        ]
    )


def _beside_recency(judged: Row, held_out: Mapping[str, Row]) -> str:
    if judged["candidate"] == "base_rate":
        return "It tells nobody apart: no model that does was both better and calibrated."
    if judged["candidate"] == "recency_only":
        return "It knows nothing but how long ago a user played: richer models were not clearly better."
    recency = percent(held_out["recency_only"]["precision_at_capacity"])
    return (
        f"Calling those who have not played for longest would reach {recency}. The gain in log loss over knowing that alone is "
        f"{percent(judged['gain'], sign='+')} (90 % interval {percent(judged['gain_low'], sign='+')} to "
        f"{percent(judged['gain_high'], sign='+')})."
    )


def _table(candidates: Iterable[Row]) -> str:
    rows = [
        f"| {row['candidate']}{' (put forward)' if row['is_challenger'] else ''} | {row['log_loss']:.4f} | {row['auc']:.3f} "
        f"| {percent(row['precision_at_capacity'])} | {percent(row['ece'])} |"
        for row in candidates
    ]
    return "\n".join(
        [
            "| model | log loss | AUC | leave among the 10 % called | calibration error |",
            "| :-- | --: | --: | --: | --: |",
            *rows,
        ]
    )


def _guards(champion: Row) -> str:
    shuffled = (
        "Whether the future leaks into the features: a logistic regression fitted to shuffled outcomes ranks with AUC "
        f"{champion['shuffled_auc']:.3f}, where chance is 0.5"
    )
    if champion["best_single_feature"] is None:
        return f"{shuffled}."
    return (
        f"{shuffled}; of the features other than inactivity `{champion['best_single_feature']}` ranks best alone, with AUC "
        f"{champion['best_single_feature_auc']:.3f}."
    )


def _calibration(judged: Row, reliability: "pd.DataFrame") -> str:
    riskiest, safest = (reliability.sort_values("bin").iloc[place] for place in (0, -1))
    return (
        f"Of the riskiest tenth it says that {percent(riskiest.mean_probability)} leave, and "
        f"{percent(riskiest.observed_rate)} did (95 % interval {percent(riskiest.rate_low)} to {percent(riskiest.rate_high)}); "
        f"of the safest {percent(safest.mean_probability)}, and {percent(safest.observed_rate)} did. Over ten equal groups "
        f"the two differ by {percent(judged['ece'])} on average; chance alone would make that up to "
        f"{percent(judged['ece_limit'])}."
    )


def _fairness(judged: Row, slices: "pd.DataFrame") -> str:
    rows = slices.to_dict("records")
    unknown = sum(math.isnan(row["prevalence"]) for row in rows)
    found = [*_said_wrongly(rows), *_ranked_worse(rows, judged["auc"])]
    told = "\n".join(f"- {sentence}" for sentence in found) or words.NO_WORSE_SLICE
    few = f"\n\nOf {counted(unknown, 'slice')} nothing can be said: fewer than 30 rows." if unknown else ""
    return f"Users were sliced by plan, country, platform, tenure and age; age is no feature.\n\n{told}{few}"


def _said_wrongly(rows: Sequence[Row]) -> Iterator[str]:
    def gap(row: Row) -> float:
        return abs(row["mean_probability"] - row["prevalence"])

    def error(row: Row) -> float:
        return (row["prevalence"] * (1 - row["prevalence"]) / row["n"]) ** 0.5

    notable = [row for row in rows if gap(row) > max(NOTABLE_GAP, NOTABLE_ERRORS * error(row))]
    for row in sorted(notable, key=gap, reverse=True)[:MOST_TOLD]:
        verb = "underrates" if row["mean_probability"] < row["prevalence"] else "overrates"
        yield (
            f"It {verb} the risk of {_slice(row)}: {percent(row['mean_probability'])} said, {percent(row['prevalence'])} left."
        )


def _ranked_worse(rows: Sequence[Row], auc: float) -> Iterator[str]:
    notable = [
        row
        for row in rows
        if row["auc"] < auc - NOTABLE_AUC and min(row["n_churned"], row["n"] - row["n_churned"]) >= LEAST_OF_A_CLASS
    ]
    for row in sorted(notable, key=lambda row: row["auc"])[:MOST_TOLD]:
        yield f"It ranks {_slice(row)} worse: AUC {row['auc']:.3f}, over all {auc:.3f}."


def _slice(row: Row) -> str:
    name = _MEANT_AS_MARKDOWN.sub(r"\\\1", " ".join(row["slice"].split()))
    return f"users with {row['dimension']} {name} ({row['n']:,} rows)"


def _gaps(champion: Row) -> str:
    families = [family for family in FAMILIES if family not in champion["families"]]
    dropped = list(champion["dropped"])
    if not dropped:
        return "Nothing: every feature of every family is known."
    whole = f"Nothing is known of {_listed(families)}: no risk can be associated with that. " if families else ""
    return (
        f"{whole}These features are left out, because the data has no two different values of them: {_listed(dropped)}."
    )


def _renewal(drift: "pd.DataFrame | None") -> str:
    if drift is None:
        return words.RENEWAL
    shifted = drift.feature[drift.psi > SHIFTED].tolist()
    shifting = drift.feature[(drift.psi > SHIFTING) & (drift.psi <= SHIFTED)].tolist()
    if not shifted and not shifting:
        return f"{words.RENEWAL} At present users are like those that it learnt from."
    told = [f"shifted: {_listed(shifted)}"] * bool(shifted) + [f"moving: {_listed(shifting)}"] * bool(shifting)
    return f"{words.RENEWAL} At present, against what it learnt from, {'; '.join(told)}."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
