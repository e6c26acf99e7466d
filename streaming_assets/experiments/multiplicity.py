"""p-values of several questions asked at once."""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm (1979): adjusted so that the chance of any false alarm is at most alpha."""
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Benjamini & Hochberg (1995): adjusted so that at most a share alpha of what is found is false."""
    from scipy import stats

    return [float(p) for p in stats.false_discovery_control(list(p_values))] if p_values else []
