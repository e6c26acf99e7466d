"""Which candidate forecasts, and why, in words."""

from typing import TYPE_CHECKING

from streaming_assets.contracts.models.forecast import CANDIDATES, NAIVES, REFERENCE
from streaming_assets.models.forecast.plan import MODEL_DAYS, Plan

if TYPE_CHECKING:
    import pandas as pd


def champion_of(mae: "pd.Series", planned: Plan) -> str | None:
    """The candidate that misses by least, of equals the simplest; who stands in where candidates cannot be compared.

    All share one scale, so that the lowest mae is the lowest MASE, which a series of equal weeks does not have.
    """
    judged = mae.dropna()
    return str(judged.idxmin()) if planned.compares and len(judged) else planned.standing_in


def reasons(figures: "pd.DataFrame", champion: str | None, planned: Plan) -> list[str]:
    """A sentence or two per candidate, in the order of CANDIDATES."""
    if champion is None:
        return [f"No forecast: less than 24 hours of history, or none in the last {MODEL_DAYS} days."] * len(CANDIDATES)
    if not planned.compares or figures.mae.isna().all():
        return [_standing_in(name, champion, planned) for name in CANDIDATES]
    return [_compared(name, champion, figures) for name in CANDIDATES]


def _standing_in(name: str, champion: str, planned: Plan) -> str:
    if name == champion:
        return f"Stands in: {_short_of(planned)}, so that candidates are not compared."
    return f"Not used: {_short_of(planned)}, and {champion} stands in."


def _short_of(planned: Plan) -> str:
    if planned.compares:
        return "none of the last days is known"
    return f"{planned.days} {'day' if planned.days == 1 else 'days'} of history, {MODEL_DAYS} are needed"


def _compared(name: str, champion: str, figures: "pd.DataFrame") -> str:
    naive = str(figures.mae[list(NAIVES)].idxmin())
    if name == champion:
        return _of_champion(name, naive, figures)
    error = f"{_error(name, figures)} against {_figure(champion, figures)} of {champion}"
    reference = " It is the reference to beat." if name == REFERENCE else ""
    if name in NAIVES or figures.mae[name] < figures.mae[naive]:
        return f"Not used: {error}.{reference}"
    return f"Not used: {error}. It does not beat the best naive, {naive}.{reference}"


def _of_champion(name: str, naive: str, figures: "pd.DataFrame") -> str:
    if name in NAIVES:
        best = str(figures.mae.drop(list(NAIVES)).idxmin())
        return (
            f"No model beats it: {_error(name, figures)} against {_figure(best, figures)} of the best of them, {best}."
        )
    less = f"{_error(name, figures)}, {_less_than(naive, name, figures)}, the best naive"
    if name == REFERENCE:
        return f"The reference itself misses by least: {less}."
    return f"Misses by least of {len(CANDIDATES)} candidates: {less}, and {_less_than(REFERENCE, name, figures)}, the reference."


def _error(name: str, figures: "pd.DataFrame") -> str:
    return f"{_name_of_error(figures)} {_figure(name, figures)}"


def _figure(name: str, figures: "pd.DataFrame") -> str:
    return f"{figures[_name_of_error(figures).lower()][name]:.3f}"


def _name_of_error(figures: "pd.DataFrame") -> str:
    """All candidates have a MASE, or none has: where no week differs from the one before, there is no scale."""
    return "MAE" if figures.mase.isna().all() else "MASE"


def _less_than(other: str, name: str, figures: "pd.DataFrame") -> str:
    return f"{100 * (1 - figures.mae[name] / figures.mae[other]):.1f} % less than {other}"
