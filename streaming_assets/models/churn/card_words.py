"""Sentences of the model card that do not depend on the figures."""

from streaming_assets.contracts.models.churn import FAMILIES

MODELS = {
    "base_rate": "the base rate, the same probability for everybody",
    "recency_only": "a logistic regression on nothing but how long ago a user played",
    "bg_nbd": "BG/NBD, a model of how often users come and when they leave for good",
    "logistic_regression": "a logistic regression on all features",
    "hist_gradient_boosting": "gradient-boosted trees on all features",
    "random_forest": "a random forest on all features",
}

LABELS = {
    "cancellation": "cancels in the 28 days that begin one day after the cutoff",
    "inactivity": "plays nothing in the 28 days that begin one day after the cutoff",
}

POPULATION = (
    "The cutoff is the start of the day after the latest data. Active is who played in the 28 days before it and first "
    "played at least 14 days before it. Users who are new or lapsed have no probability. What happens on the day of the "
    "cutoff is not predicted, so that there is a day to act."
)

STAGES = "No outcome of one stage reaches into the next."

REFIT = (
    " After this report the same recipe was refitted on all closed cutoffs, these three stages together: that is what "
    "scores, and no later outcome is there yet to judge it by."
)

MEASURES = (
    "Log loss is the smaller the better, and rates probabilities; AUC is the chance that a user who left was ranked above one "
    "who stayed, and rates the order alone."
)

NO_WORSE_SLICE = "In none of them does it say or rank notably worse than over all."

DRIVERS = (
    f"A user's risk is compared with that of a usual user who stays, and the difference is shared out among the families "
    f"{', '.join(FAMILIES)} by Shapley values. A driver is what the risk is associated with in the model: it is no proof of a "
    "cause. The families move together, and where two tell the same, they share what one of them would have. A remedy is a "
    "suggestion, and an experiment is how to learn whether it keeps anybody."
)

LIMITS = "\n".join(
    [
        "- To treat anybody worse, be it in price, access, support or credit.",
        "- To judge one person: of those with a probability of 30 %, seven in ten stay.",
        "- To say what a call achieves: who is likely to leave is not who can be kept. Hold a random part of them back.",
        "- For other users, other products or a longer time than the 28 days.",
        "- To tell why people leave: see what drivers are.",
    ]
)

RENEWAL = (
    "It is trained anew every week, and a new model takes over only where it is clearly better on the same held-out "
    "snapshots. Train at once when prices, plans, the catalogue or tracking change, when models/realised_performance falls "
    "behind its base rate, or when a feature of models/feature_drift shifts (PSI above 0.25; from 0.1 on it is moving)."
)

NEEDED = {
    "not_enough_history": (
        "A model needs at least 115 days of data: 28 before the first snapshot, and three stages whose outcomes do not "
        "overlap, to learn, to calibrate and to be judged. It comes by itself with a later training."
    ),
    "too_few_users": (
        "Of so few users who left or stayed, a model would learn chance. It comes by itself with a later training, once "
        "there are enough."
    ),
    "one_class": (
        "Where everybody leaves, or nobody does, there is nothing to tell users apart by. Look whether cancellations reach the "
        "data at all. Training is tried again every week."
    ),
}
"""By outcome of a training without a model: what it would take."""

WITHOUT_MODEL = (
    "Until then no user has a probability, a risk band, a driver or a remedy. Every user has a status in models/churn_scores "
    "all the same, and marts/user_segments tells who has not played for long."
)
