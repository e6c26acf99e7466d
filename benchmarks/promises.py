"""Rows of the tables of promises, and how the figures in them are shown."""

from collections.abc import Callable, Iterable

Shown = Callable[[float], str]

HEAD = ["promise", "limit", "measured", ""]


def promise(text: str, limit: str, measured: str, is_kept: bool) -> list[str]:
    return [text, limit, measured, "kept" if is_kept else "**broken**"]


def at_most(text: str, most: float, measured: float, shown: Shown) -> list[str]:
    return promise(text, f"at most {shown(most)}", shown(measured), measured <= most)


def above_nothing(text: str, measured: Iterable[float], shown: Shown) -> list[str]:
    found = list(measured)
    return promise(text, f"above {shown(0.0)}", span(found, shown), min(found) > 0)


def within(text: str, limits: tuple[float, float], measured: Iterable[float], shown: Shown) -> list[str]:
    found = list(measured)
    return promise(text, span(limits, shown), span(found, shown), limits[0] <= min(found) <= max(found) <= limits[1])


def span(values: Iterable[float], shown: Shown) -> str:
    found = list(values)
    low, high = shown(min(found)), shown(max(found))
    return low if low == high else f"{low} to {high}"


def number(value: float) -> str:
    return f"{value:.3f}"


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def listed(texts: Iterable[str]) -> str:
    *others, last = texts
    return f"{', '.join(others)} and {last}" if others else last
