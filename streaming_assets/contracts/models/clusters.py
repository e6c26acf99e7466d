"""Contracts of the user clusters: who is in which, what each is like, and whether there are any."""

from streaming_assets.contracts.marts.columns import USER_ID, count, number, share
from streaming_assets.contracts.marts.users import COMPLETION, ENGAGEMENT, LIFECYCLE_STAGES, RFM_SEGMENTS
from streaming_assets.contracts.table import Column, Table

STATUSES = ("stable", "no_stable_segmentation", "too_few_users")

FEATURES: tuple[Column, ...] = (
    number("active_days_per_week", "days with a play per week between the first and the latest play, at least a week"),
    number("plays_per_session", "total_plays / total_sessions; NULL without a session"),
    number("avg_watch_minutes", "mean watch time per play whose watch time is known, minutes"),
    number("avg_completion_pct", "mean of the plays' completion_pct, 0 to 100"),
    number("distinct_genres", "genres played; NULL where none is known"),
    number("plays_per_title", "total_plays / distinct_content: 1 where nothing is played again"),
    number("skip_rate", "skips / plays; can exceed 1"),
    number("recommended_share", "plays from a recommendation / plays of which that is known"),
    number("days_since_last_play", "T − day of the latest play"),
)
"""What users are told apart by, in their own units; from marts/user_metrics."""

_CLUSTER = Column("cluster", "string", "its name, which says how it differs most from all users", not_null=True)
_FEATURE = Column(
    "feature",
    "string",
    "which one",
    not_null=True,
    one_of=tuple(column.name for column in FEATURES),
)


def _figure(name: str, description: str, *, not_null: bool = True) -> Column:
    return Column(name, "float64", description, not_null=not_null)


def _names(name: str, description: str) -> Column:
    return Column(name, "array<string>", description, not_null=True)


user_clusters = Table(
    "models/user_clusters",
    grain="one row per user with a play up to T",
    key=("user_id",),
    source="marts/user_metrics and models/cluster_profiles; the segments by rule are those of marts/user_segments",
    caveats=(
        "Users are put into the nearest cluster every night; the clusters themselves are those of the latest training "
        "(trained_as_of of models/cluster_summary). Clusters describe behaviour over all of a user's time, the rule-based "
        "segments put limits to single figures: the two need not agree."
    ),
    columns=(
        USER_ID,
        Column(
            "cluster",
            "string",
            "name in models/cluster_profiles; NULL while there is no stable segmentation, and for users with fewer than "
            "10 plays, whose rates say nothing yet",
        ),
        number("distance", "from the centre of the cluster, standard deviations per feature (root mean square)"),
        Column("engagement", "string", "by total_plays", not_null=True, one_of=ENGAGEMENT),
        Column("completion", "string", "by avg_completion_pct", not_null=True, one_of=COMPLETION),
        Column("lifecycle_stage", "string", "by activity_span_days", not_null=True, one_of=LIFECYCLE_STAGES),
        Column("rfm_segment", "string", "by recency and frequency score", not_null=True, one_of=RFM_SEGMENTS),
    ),
)

cluster_profiles = Table(
    "models/cluster_profiles",
    grain="one row per cluster and feature; none while there is no stable segmentation",
    key=("cluster", "feature"),
    source="marts/user_metrics as of the latest training, and this table as of the one before",
    caveats=(
        "This table is the model: users are assigned by centroid, center, scale and fill, and the next training starts from "
        "it. A cluster keeps its name while its centre moves by less than 0.5 standard deviations per feature (root mean square)."
    ),
    columns=(
        _CLUSTER,
        _FEATURE,
        _figure(
            "centroid",
            "mean of the cluster's users after standardising, each value limited to ± 3: by how many standard deviations "
            "they differ from all users",
        ),
        _figure("mean", "their mean in the feature's own unit; NULL where it is known of none of them", not_null=False),
        _figure("overall_mean", "mean of all users of whom it is known, in the feature's own unit"),
        _figure("center", "mean of all users after the logarithm: what is taken off to standardise"),
        Column("scale", "float64", "standard deviation of all users after the logarithm", not_null=True, at_least=0),
        _figure("fill", "median in the feature's own unit: stands for a value that is not known"),
        Column("users", "int64", "users of the cluster at the training", not_null=True, at_least=1),
        Column("share", "float64", "users / users trained on", not_null=True, at_least=0, at_most=1),
        Column("since", "date", "T of the training that gave the cluster its name", not_null=True),
    ),
)

cluster_summary = Table(
    "models/cluster_summary",
    grain="one row: what came of the latest training",
    key=("trained_as_of",),
    source="marts/user_metrics as of the training",
    caveats=(
        "k is the largest from 3 to 8 on which random halves of the users agree (ari ≥ 0.85 and recurrence ≥ 0.75) and of "
        "which each cluster has at least 2 % of the users. Once there are clusters, 0.05 less is asked of their number and 0.05 "
        "more of a larger one, so that nobody changes cluster because of who else happened to be there."
    ),
    columns=(
        Column("trained_as_of", "date", "T of the training", not_null=True),
        Column("status", "string", "whether there are clusters, else why not", not_null=True, one_of=STATUSES),
        Column("reason", "string", "the same in a sentence with its figures", not_null=True),
        count("users", "users trained on: those with at least 10 plays"),
        Column("k", "int64", "number of clusters; NULL where there are none", at_least=3, at_most=8),
        Column(
            "ari",
            "float64",
            "adjusted Rand index (Hubert & Arabie 1985) of two fits on random halves, both told of all users, mean over the "
            "pairs of halves: 1 is alike, 0 is chance; NULL where there are no clusters",
            at_most=1,
        ),
        share(
            "recurrence",
            "Jaccard index of a cluster and the most similar one from a half of the users (Hennig 2007), mean over the halves, "
            "of the cluster that recurs least; NULL where there are none",
        ),
        share("smallest_share", "users of the smallest cluster / users trained on; NULL where there are none"),
        _names("candidates", "what each number of clusters came to, in words"),
        _names("features", "features that users were told apart by"),
        _names("features_left_out", "those known of fewer than half of the users, or the same for all of them"),
        _names("kept", "names that stood before the training and stand after it"),
        _names("new", "names that it gave"),
        _names("retired", "names that stood before it and no longer do"),
    ),
)

TABLES = (user_clusters, cluster_profiles, cluster_summary)
