"""Figures within sentences: shares in per cent, p-values, counts."""

from typing import Literal

_MOST_DIGITS = 9


def days(count: int) -> str:
    """`1 day`, `12 days`."""
    return counted(count, "day")


def counted(count: int, noun: str) -> str:
    """A number of things."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def exactly(share: float, sign: Literal["+", "-"] = "-") -> str:
    """A share that somebody chose, in per cent with all its digits."""
    return f"{100 * share:{sign}.10g} %".replace("-", "−")


def percent(share: float, limit: float | None = None, sign: Literal["+", "-"] = "-") -> str:
    """A share that was measured, in per cent; with as many digits as tell it from the limit."""
    digits = 1 if limit is None else _digits(100 * share, 100 * limit, 1)
    return f"{100 * share:{sign}z.{digits}f} %".replace("-", "−")


def probability(p: float, limit: float) -> str:
    """`= 0.012` or `< 0.001`; with as many digits as tell it from the limit."""
    least = min(0.001, limit)
    return f"< {least:g}" if p < least else f"= {p:.{_digits(p, limit, 3)}f}"


def _digits(value: float, limit: float, least: int) -> int:
    """Decimals, at least so many, after which the value no longer looks like a limit that it is not."""
    apart = (digits for digits in range(least, _MOST_DIGITS) if round(value, digits) != round(limit, digits))
    return least if value == limit else next(apart, _MOST_DIGITS)


def number(value: float | None) -> str:
    """A difference in the metric's own unit."""
    return f"{value:+.4g}".replace("-", "−")
