"""What users do in their first three days, against whether they play on D0 + 7."""

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
from ibis import _

from streaming_assets.contracts.marts.retention import early_behaviour as contract
from streaming_assets.transforms.columns import total
from streaming_assets.transforms.intervals import Z_95, wilson_of
from streaming_assets.transforms.retention import RetentionOrigin, day_zero, days_of_life, first_genres

if TYPE_CHECKING:
    import pandas as pd

EARLY_DAYS = 3
RETAINED_AFTER_DAYS = 7
TERMS = ("genres", "sessions", "plays")

_MOST = 4
_LEVELS = {1: "1", 2: "2", 3: "3", _MOST: "4+"}
_GENRES = 1 + TERMS.index("genres")  # their place in the design, after the intercept
_FEW_GENRES, _MORE_GENRES = 1, 3
_FARTHEST_LOG_ODDS = 20  # a factor of 5 · 10⁸ on the odds says nothing of people
_WORST_CONDITION = 1e12
_MOST_STEPS = 1000

Figures = dict[str, Any]


# Counted in the engine


def early_counts(
    user_daily: ibis.Table,
    first_days: ibis.Table,
    user_titles: ibis.Table,
    users: ibis.Table,
    content: ibis.Table,
    calendar: ibis.Table,
    as_of: dt.date,
    retention_origin: RetentionOrigin,
) -> ibis.Table:
    """Users by what they did on D0 … D0 + 2 and whether they play on D0 + 7.

    Grain: one row per (genres, sessions, plays, retained), with users. genres: known genres of the titles first played
    in these days, NULL where none is known; sessions: those started; plays: 1 or more. Users whose D0 + 7 lies after T
    are left out, and so is who has no play in these days, which only a D0 of signed_up_at allows: no early behaviour.
    """
    zero = day_zero(first_days, users, calendar, as_of, retention_origin).filter(_.days_known >= RETAINED_AFTER_DAYS)
    genres = first_genres(zero, user_titles, content, EARLY_DAYS)
    is_early = _.day < EARLY_DAYS
    behaviour = (
        days_of_life(user_daily, zero)
        .filter(_.day.between(0, RETAINED_AFTER_DAYS))
        .group_by("user_id")
        .agg(
            sessions=total(is_early.ifelse(_.sessions_started, 0)),
            plays=total(is_early.ifelse(_.plays, 0)),
            retained=(_.day == RETAINED_AFTER_DAYS).any(),
        )
        .filter(_.plays > 0)
    )
    return (
        behaviour.left_join(genres, "user_id")
        .group_by("genres", "sessions", "plays", "retained")
        .agg(users=_.user_id.count())
    )


# What the counts say


def early_behaviour(counts: "pd.DataFrame", genre_shift_share: float) -> "pd.DataFrame":
    """What `early_counts` says of D7. Grain and columns: contract marts/early_behaviour, NaN for NULL.

    More than four genres, or sessions, count as four; no session, where all plays belong to one that began before D0,
    as one. Every level has a row, without users too.

    - groups: `difference` is that to level 1, by `newcombe`; level 1 itself and unknown have none.
    - regression: `logistic_fit` of a play on D0 + 7 on genres, sessions and log₂ plays, over users with known genres;
      intervals and p values are Wald's. What the data cannot tell is NULL.
    - shift: mean D7 that the regression predicts for its users as they are (now), and if `genre_shift_share` of those
      with one genre had explored three, with as many sessions and plays (then). Intervals by the delta method, for
      users who behave like these. n_retained is what was seen, in both rows: nobody was seen to shift.
    """
    import pandas as pd

    levelled = counts.astype({"genres": "float64", "retained": "bool"}).assign(
        genres=lambda found: found.genres.clip(upper=_MOST), sessions=lambda found: found.sessions.clip(1, _MOST)
    )
    known = levelled.dropna(subset="genres").groupby([*TERMS, "retained"], as_index=False).users.sum()
    plays = known.plays.to_numpy("float64")
    design = np.column_stack([np.ones(len(known)), known.genres, known.sessions, np.log2(plays)])
    users = known.users.to_numpy("float64")
    fit = logistic_fit(design, known.retained.to_numpy("bool"), users)
    seen = _outcome(known)
    rows = [
        *_groups(levelled, "genres"),
        {"analysis": "groups", "behaviour": "genres", "level": "unknown", **_outcome(levelled[levelled.genres.isna()])},
        *_groups(levelled, "sessions"),
        *({**seen, **row} for row in _regression(fit)),
        *({**seen, **row} for row in _shift(fit, design, users, genre_shift_share)),
    ]
    types = {column.name: column.type for column in contract.columns if column.type != "string"}
    return pd.DataFrame(rows, columns=list(contract.column_names)).astype(types)


def _outcome(counts: "pd.DataFrame") -> Figures:
    eligible, retained = counts.users.sum(), counts.users[counts.retained].sum()
    low, high = wilson_of(retained, eligible)
    return {
        "n_eligible": eligible,
        "n_retained": retained,
        "rate": retained / eligible if eligible else math.nan,
        "rate_low": low,
        "rate_high": high,
    }


def _groups(levelled: "pd.DataFrame", behaviour: str) -> Iterator[Figures]:
    lowest = _outcome(levelled[levelled[behaviour] == min(_LEVELS)])
    for level, name in _LEVELS.items():
        found = _outcome(levelled[levelled[behaviour] == level])
        row = {"analysis": "groups", "behaviour": behaviour, "level": name, **found}
        yield row if level == min(_LEVELS) else row | newcombe(found, lowest)


def _regression(fit: "LogisticFit | None") -> Iterator[Figures]:
    for place, term in enumerate(TERMS, start=1):
        told = fit.odds_ratio(place) if fit is not None and fit.is_told[place] else {}
        yield {"analysis": "regression", "behaviour": term, "level": "per unit", **told}


def _shift(fit: "LogisticFit | None", design: np.ndarray, users: np.ndarray, share: float) -> Iterator[Figures]:
    row = {"analysis": "shift", "behaviour": "genres", "rate": math.nan, "rate_low": math.nan, "rate_high": math.nan}
    now, then = row | {"level": "now"}, row | {"level": "then"}
    if fit is not None:
        rate_now, slope_now = fit.mean_chance(design, users)
        now |= fit.interval("rate", rate_now, slope_now, lowest=0)
        if fit.is_told[_GENRES]:
            rate_then, slope_then = fit.mean_chance(*_shifted(design, users, share))
            then |= fit.interval("rate", rate_then, slope_then, lowest=0)
            then |= fit.interval("difference", rate_then - rate_now, slope_then - slope_now, lowest=-1)
    yield from (now, then)


def _shifted(design: np.ndarray, users: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Design and users after the shift: those who stay as they are, then those who have explored more."""
    going = users * share * (design[:, _GENRES] == _FEW_GENRES)
    gone = design.copy()
    gone[:, _GENRES] = _MORE_GENRES
    return np.vstack([design, gone]), np.concatenate([users - going, going])


# Statistics


def newcombe(found: Figures, base: Figures) -> Figures:
    """Difference of two independent rates with its 95 % interval, from each one's Wilson interval.

    Newcombe, Interval estimation for the difference between independent proportions: comparison of eleven methods,
    Statistics in Medicine 17 (1998), pages 873–890, method 10. NaN where one of them has no users.
    """
    difference = found["rate"] - base["rate"]
    below = math.hypot(found["rate"] - found["rate_low"], base["rate_high"] - base["rate"])
    above = math.hypot(found["rate_high"] - found["rate"], base["rate"] - base["rate_low"])
    return {
        "difference": difference,
        "difference_low": difference - below,
        "difference_high": difference + above,
    }


@dataclass(frozen=True)
class LogisticFit:
    """Coefficients, their covariance, and which of them the data tell: the others are one choice of many."""

    coefficients: np.ndarray
    covariance: np.ndarray
    is_told: np.ndarray

    def odds_ratio(self, place: int) -> Figures:
        """Factor on the odds: exp of a coefficient, its 95 % interval, and the p value of Wald's two-sided test."""
        value, error = self.coefficients[place], math.sqrt(self.covariance[place, place])
        return {
            "odds_ratio": math.exp(value),
            "odds_ratio_low": math.exp(value - Z_95 * error),
            "odds_ratio_high": math.exp(value + Z_95 * error),
            "p_value": math.erfc(abs(value) / error / math.sqrt(2)),
        }

    def mean_chance(self, design: np.ndarray, weights: np.ndarray) -> tuple[float, np.ndarray]:
        """The weighted mean of the predicted chances, and its gradient in the coefficients."""
        from scipy.special import expit

        chances, parts = expit(design @ self.coefficients), weights / weights.sum()
        return parts @ chances, (parts * chances * (1 - chances)) @ design

    def interval(self, name: str, value: float, gradient: np.ndarray, lowest: float) -> Figures:
        """A function of the coefficients with its 95 % interval by the delta method, held within lowest … 1."""
        half = Z_95 * math.sqrt(gradient @ self.covariance @ gradient)
        return {name: value, f"{name}_low": max(value - half, lowest), f"{name}_high": min(value + half, 1)}


def logistic_fit(design: np.ndarray, outcome: np.ndarray, weights: np.ndarray) -> LogisticFit | None:
    """Logistic regression by maximum likelihood, covariance by the inverse Fisher information; None without a maximum.

    design: one row per kind of observation, intercept included; weights: how many there are of it. Columns that never
    vary or follow from others do no harm: predictions are the same whichever of the many maxima is taken, and is_told
    marks the coefficients that are equal in all of them, and whose 95 % interval stays within ±20 log-odds.
    """
    if not len(design):
        return None
    _left, scales, directions = np.linalg.svd(design, full_matrices=False)
    kept = scales > scales[0] * 1e-6
    basis = directions[kept].T / scales[kept] * math.sqrt(len(design))
    reduced = design @ basis
    if _is_separated(reduced, outcome):
        return None
    found = _maximum(reduced, outcome, weights)
    if found is None:
        return None
    coefficients, covariance = basis @ found[0], basis @ found[1] @ basis.T
    reach = np.abs(coefficients) + Z_95 * np.sqrt(covariance.diagonal())
    is_unique = (directions[kept] ** 2).sum(axis=0) > 1 - 1e-9
    return LogisticFit(coefficients, covariance, is_unique & (reach < _FARTHEST_LOG_ODDS))


def _is_separated(design: np.ndarray, outcome: np.ndarray) -> bool:
    """Some direction has no observation on the wrong side, so that the likelihood grows along it for ever.

    Albert and Anderson, On the existence of maximum likelihood estimates in logistic regression models, Biometrika 71
    (1984), pages 1–10. Linear programming finds one with a coefficient of ±1, else the best is 0.
    """
    from scipy.optimize import linprog

    sides = design * np.where(outcome, 1.0, -1.0)[:, None]
    found = linprog(-sides.sum(axis=0), A_ub=-sides, b_ub=np.zeros(len(sides)), bounds=(-1, 1))
    return bool(np.abs(found.x).max() > 0.5)


def _maximum(design: np.ndarray, outcome: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Coefficients and covariance by Newton's method; None where it is out of reach.

    A step that changes no log-odds by more than 1 always ascends: it follows from the bounds in Bach, Self-concordant
    analysis for logistic regression, Electronic Journal of Statistics 4 (2010), pages 384–414.
    """
    from scipy.special import expit

    coefficients = np.zeros(design.shape[1])
    for _step in range(_MOST_STEPS):
        chances = expit(design @ coefficients)
        information = (design.T * (weights * chances * (1 - chances))) @ design
        if np.linalg.cond(information) > _WORST_CONDITION:
            return None
        covariance = np.linalg.inv(information)
        gradient = design.T @ (weights * (outcome - chances))
        step = covariance @ gradient
        coefficients += step / max(1, np.abs(design @ step).max())
        if gradient @ step < 1e-12:  # squared distance to the maximum before this last step, in standard errors
            return coefficients, covariance
    return None
