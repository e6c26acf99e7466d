"""What kinds of users there are: a picture, a table, and what became of the latest training."""

from collections.abc import Sequence
from textwrap import fill
from typing import Any

import ibis
import numpy as np
import pandas as pd

from streaming_assets.contracts.models.clusters import FEATURES
from streaming_assets.reporting import drawing, words

_FEATURES = {
    "active_days_per_week": ("active days a week", 1, 1),
    "plays_per_session": ("plays per session", 1, 1),
    "avg_watch_minutes": ("minutes per play", 0, 1),
    "avg_completion_pct": ("% completed", 0, 1),
    "distinct_genres": ("genres played", 1, 1),
    "plays_per_title": ("plays per title", 1, 1),
    "skip_rate": ("skips per play", 2, 1),
    "recommended_share": ("% recommended", 0, 100),
    "days_since_last_play": ("days since last play", 0, 1),
}
"""What each feature is called, how many digits it is told with, and what it is multiplied by for that."""

_STATUSES = {
    "stable": "There are stable kinds of users",
    "no_stable_segmentation": "No stable segmentation",
    "too_few_users": "Too few users",
}
_DIVERGING = "PuOr_r"
"""ColorBrewer's purple and orange: told apart with every common colour blindness."""
_DEEPEST = 2.0
"""Standard deviations that have the deepest shade, and all beyond."""
_TOLD = 3
_LINE_OF_A_NAME, _LINE_OF_A_FEATURE = 30, 10
"""Letters that fit in a line beside the picture, and under a column."""


def whole(table: ibis.Table) -> ibis.Table:
    """The table as it is: it has a few rows."""
    return table


def draw_profiles(profiles: pd.DataFrame) -> bytes:
    """Clusters by features, how many standard deviations a cluster differs from all users: a shade and a number each."""
    clusters = _by_size(profiles)
    features = [column.name for column in FEATURES if column.name in set(profiles.feature)]
    deviations = profiles.pivot(index="cluster", columns="feature", values="centroid").loc[clusters.cluster, features]
    figure = drawing.new_figure(1.5 + 0.55 * len(clusters))
    drawing.headed(figure, "Kinds of users: standard deviations from the mean of all users")
    axes = figure.subplots()
    drawing.plain(axes)
    axes.imshow(deviations, cmap=_DIVERGING, vmin=-_DEEPEST, vmax=_DEEPEST, aspect="auto")
    for (row, column), deviation in np.ndenumerate(deviations.to_numpy(float)):
        axes.text(
            column, row, _signed(deviation),
            ha="center", va="center", fontsize=9, color="white" if abs(deviation) > 0.6 * _DEEPEST else drawing.INK,
        )  # fmt: skip
    axes.set_yticks(range(len(clusters)), [_label(cluster) for cluster in clusters.itertuples()])
    axes.set_xticks(
        range(len(features)),
        [fill(_FEATURES[name][0], _LINE_OF_A_FEATURE, break_long_words=False) for name in features],
        fontsize=8,
    )
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    return drawing.png(figure)


def tell_profiles(profiles: pd.DataFrame) -> str:
    """A table of the clusters, the largest first: users, and the three features that tell most, in their own units."""
    return words.table(
        ("cluster", "users", "share", "since", "most telling (mean, all users)", "second", "third"),
        [
            (
                words.text(cluster.cluster),
                words.whole(cluster.users),
                words.percent(cluster.share),
                f"{cluster.since:%Y-%m-%d}",
                *_most_telling(profiles[profiles.cluster == cluster.cluster]),
            )
            for cluster in _by_size(profiles).itertuples()
        ],
    )


def tell_training(summary: pd.DataFrame) -> str:
    """Whether there are clusters and why, what each number of them came to, and what became of names and features."""
    (trained,) = summary.to_dict("records")
    facts = [
        *trained["candidates"],
        *_listed("Names that stand as before", trained["kept"]),
        *_listed("New names", trained["new"]),
        *_listed("Names that went", trained["retired"]),
        *_listed(
            "Left out, unknown of most users or the same for all",
            [_FEATURES[name][0] for name in trained["features_left_out"]],
        ),
    ]
    head = f"**{_STATUSES[trained['status']]}** (as of {trained['trained_as_of']:%Y-%m-%d}): {words.text(trained['reason'])}"
    return "\n".join([head, "", *(f"- {words.text(fact)}" for fact in facts)]).strip()


def _by_size(profiles: pd.DataFrame) -> pd.DataFrame:
    """A row per cluster, the largest first."""
    return profiles.drop_duplicates("cluster").sort_values(["users", "cluster"], ascending=[False, True])


def _label(cluster: Any) -> str:
    """The name on one line or more, and its size on another."""
    size = f"{drawing.short(cluster.users)} users, {words.percent(cluster.share, 0)}"
    return f"{fill(cluster.cluster, _LINE_OF_A_NAME)}\n{size}"


def _signed(deviation: float) -> str:
    return f"{deviation:+.1f}".replace("-", "−") if abs(deviation) >= 0.05 else "0"


def _most_telling(features: pd.DataFrame) -> list[str]:
    """The three features in which a cluster differs most, with its mean and that of all users."""
    known = features[features["mean"].notna()]
    order = known.centroid.abs().sort_values(ascending=False, kind="stable").index[:_TOLD]
    told = [_compared(*row) for row in known.loc[order, ["feature", "mean", "overall_mean"]].itertuples(index=False)]
    return told + ["–"] * (_TOLD - len(told))


def _compared(feature: str, mean: float, overall_mean: float) -> str:
    label, digits, factor = _FEATURES[feature]
    return f"{label} {words.number(factor * mean, digits)} ({words.number(factor * overall_mean, digits)})"


def _listed(title: str, names: Sequence[str]) -> list[str]:
    return [f"{title}: {'; '.join(names)}"] if len(names) else []
