"""What is said of the first days of users and their return on D7."""

import ibis
import pandas as pd
from ibis import _

from streaming_assets.reporting import words

_KNOWN_LEVELS = ("1", "2", "3", "4+")
_NO_PROOF = "Associations, not proof of cause."


def of_anybody(early_behaviour: ibis.Table) -> ibis.Table:
    """All its rows (about twenty), none where no user is eligible."""
    eligible = early_behaviour.filter(_.analysis == "groups").n_eligible.sum().as_scalar()
    return early_behaviour.filter(eligible > 0)


def tell_early_behaviour(rows: pd.DataFrame) -> str:
    """Whether genre diversity still matters at equal sessions and plays, and what a shift towards it would give."""
    groups = rows[(rows.analysis == "groups") & (rows.behaviour == "genres")].set_index("level")
    regression = rows[(rows.analysis == "regression") & (rows.behaviour == "genres")]
    shift = rows[rows.analysis == "shift"].set_index("level")
    told = [_unadjusted(groups), _adjusted(groups, regression), _shift(shift)]
    return "\n\n".join([*(sentence for sentence in told if sentence), _NO_PROOF])


def _unadjusted(groups: pd.DataFrame) -> str:
    known = _known(groups)
    if len(known) < 2 or pd.isna(known.difference.iloc[-1]):
        return ""
    least, most = known.iloc[0], known.iloc[-1]
    return (
        f"Of the users who explored {most.name} genres in their first three days, {words.percent(most.rate)} played on D7, "
        f"of those who explored {least.name} {words.percent(least.rate)}: {words.points(most.difference)} points "
        f"(95 % interval {words.points(most.difference_low)} to {words.points(most.difference_high)}), "
        "not adjusted for how much they played."
    )


def _adjusted(groups: pd.DataFrame, regression: pd.DataFrame) -> str:
    fitted = regression.dropna(subset=["odds_ratio", "odds_ratio_low", "odds_ratio_high"])
    if fitted.empty:
        return f"**Whether diversity matters at equal sessions and plays cannot be told**: {_why_not(groups)}."
    genres = fitted.iloc[0]
    low, high = genres.odds_ratio_low, genres.odds_ratio_high
    ratio = (
        f"one more genre is associated with {genres.odds_ratio:.2f} times the odds of a play on D7 "
        f"(95 % interval {low:.2f} to {high:.2f})"
    )
    if low > 1:
        return f"**Diversity still matters after adjustment**: at equal sessions and plays, {ratio}."
    if high < 1:
        return f"**After adjustment, diversity goes with fewer returns**: at equal sessions and plays, {ratio}."
    return (
        f"**After adjustment, the data do not show that diversity matters**: at equal sessions and plays, {ratio}, "
        "which includes 1."
    )


def _why_not(groups: pd.DataFrame) -> str:
    known = _known(groups)
    eligible, retained = known.n_eligible.sum(), known.n_retained.sum()
    if known.empty:
        return "no genre is known of what users played in their first three days"
    if len(known) == 1:
        return f"all {words.whole(eligible)} users explored the same number of genres ({known.index[0]})"
    if retained == 0:
        return f"none of the {words.whole(eligible)} users played on D7"
    if retained == eligible:
        return f"all {words.whole(eligible)} users played on D7"
    return f"the {words.whole(eligible)} users are too few or too alike to tell genres, sessions and plays apart"


def _shift(shift: pd.DataFrame) -> str:
    if not {"now", "then"} <= set(shift.index) or pd.isna(shift.difference.get("then")):
        return ""
    now, then = shift.loc["now"], shift.loc["then"]
    return (
        "If the share of one-genre users that the setting genre_shift_share names had explored three genres, sessions and "
        f"plays as they are, D7 would be {words.percent(then.rate, 2)} instead of {words.percent(now.rate, 2)}: "
        f"{words.points(then.difference, 2)} points (95 % interval {words.points(then.difference_low, 2)} to "
        f"{words.points(then.difference_high, 2)})."
    )


def _known(groups: pd.DataFrame) -> pd.DataFrame:
    return groups[groups.index.isin(_KNOWN_LEVELS) & (groups.n_eligible > 0)].sort_index()
