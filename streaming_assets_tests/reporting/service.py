"""The marts of a service of some hundred users over some months, without chance: what the pictures are tried on."""

import math
from typing import Any

from streaming_assets.contracts.marts.retention import DAYS
from streaming_assets.contracts.marts.users import COMPLETION, ENGAGEMENT, LIFECYCLE_STAGES, RFM_SEGMENTS
from streaming_assets_tests.reporting.situations import T, cohort, days, iso_week, mondays

Rows = list[dict[str, Any]]


def service() -> dict[str, Rows]:
    """Rows by mart."""
    return {
        "platform_daily": _platform_daily(),
        "platform_weekly": _platform_weekly(),
        "active_users": _active_users(),
        "lifecycle_weekly": _lifecycle_weekly(),
        "hourly_profile": _hourly_profile(),
        "state_metrics": _state_metrics(),
        "content_performance": _content_performance(),
        "top_content_7d": _top_content(),
        "segment_summary": _segment_summary(),
        "retention": _retention(),
        "cohort_retention": _cohort_retention(),
        "survival": _survival(),
        "early_behaviour": early_behaviour(),
    }


def _wave(number: int, period: float = 7) -> float:
    return 1 + 0.3 * math.sin(2 * math.pi * number / period) + 0.05 * math.sin(number * 12.9898)


def _platform_daily() -> Rows:
    return [
        {"date": day, "plays": int((900 + 2 * number) * _wave(number)), "active_users": int(210 * _wave(number + 1))}
        for number, day in enumerate(days(400))
    ]


def _platform_weekly() -> Rows:
    return [
        {
            **iso_week(monday),
            "plays": 6_000 + 35 * number,
            "active_users": 410 + number,
            "new_users": 40 - number % 7,
            "sessions": 2_000 + number,
            "watch_hours": 2_811.25 + number,
            "avg_completion_pct": 71.26,
            "plays_per_user": 14.63,
            "is_complete": monday != mondays(1)[0],
        }
        for number, monday in enumerate(mondays(20))
    ]


def _active_users() -> Rows:
    return [
        {
            "date": day,
            "dau": int(200 * _wave(number)),
            "wau_7d": int(420 + 30 * _wave(number, 60)),
            "mau_28d": int(600 + 40 * _wave(number, 120)),
        }
        for number, day in enumerate(days(140))
    ]


def _lifecycle_weekly() -> Rows:
    return [
        {
            **iso_week(monday),
            "active": 220 + 2 * number,
            "new": 40 - number % 9,
            "returning": 150 + 2 * number,
            "resurrecting": 30 + number % 9,
            "dormant": 55 + 5 * (number % 4),
            "is_complete": monday != mondays(1)[0],
        }
        for number, monday in enumerate(mondays(30))
    ]


def _hourly_profile() -> Rows:
    return [
        {
            "day_of_week": day,
            "hour": hour,
            "hours": 20,
            "mean_plays": 40 * (1 + math.cos(2 * math.pi * (hour - 20) / 24)) * (1.4 if day > 5 else 1),
            "mean_active_users": 12.0,
        }
        for day in range(1, 8)
        for hour in range(24)
    ]


def _state_metrics() -> Rows:
    codes = [
        "CA",
        "TX",
        "NY",
        "FL",
        "IL",
        "PA",
        "OH",
        "GA",
        "NC",
        "MI",
        "NJ",
        "VA",
        "WA",
        "AZ",
        "MA",
        "TN",
        "IN",
        "MO",
        "MD",
        "WI",
        "CO",
        "MN",
        "SC",
        "AL",
        "LA",
        "KY",
    ]
    states = [*codes[:3], None, *codes[3:]]
    return [
        {"state": state, "plays": 30_000 // (number + 1), "users": 150 - 5 * number}
        for number, state in enumerate(states)
    ]


def _content_performance() -> Rows:
    histogram = [30, 12, 6, 5, 4, 4, 3, 3, 3, 4, 4, 5, 5, 6, 7, 9, 12, 18, 40, 220]
    return [
        {
            "content_id": f"t{number}",
            "first_play_date": T,
            "last_play_date": T,
            "avg_completion_pct": 70.0,
            "completion_histogram": histogram,
        }
        for number in range(50)
    ] + [{"content_id": "radio", "first_play_date": T, "last_play_date": T}]


def _top_content() -> Rows:
    titles = [
        ("Night Shift", 1, 3), ("The Ferry | a *very* long title of a film that never ends", 2, 1), (None, 3, None), ("Café Zénith", 4, 4),
        ("$5 Kitchen_Stories^2$", 4, 9), ("Tide Tables", 6, 5), ("夜の船", 7, 8), ("Rye", 8, None), ("Spelt", 9, 7), ("Oats", 10, 12),
    ]  # fmt: skip
    return [
        {
            "content_id": f"c{number}",
            "title": title,
            "rank": rank,
            "plays_7d": 1_260 - 100 * rank,
            "plays_7d_week_before": 0 if before is None else 1_300 - 100 * before,
            "rank_week_before": before,
        }
        for number, (title, rank, before) in enumerate(titles)
    ]


def _segment_summary() -> Rows:
    segmentations = {
        "engagement": ENGAGEMENT,
        "completion": COMPLETION,
        "lifecycle_stage": LIFECYCLE_STAGES,
        "rfm_segment": RFM_SEGMENTS,
    }
    rows = []
    for segmentation, values in segmentations.items():
        for number, value in enumerate(values):
            share = (number + 1) / sum(range(1, len(values) + 1))
            figures = {
                "users": int(600 * share),
                "share": share,
                "plays": int(60_000 * share),
                "watch_hours": 25_000 * share,
            }
            known = {} if value == "unknown" else {"avg_completion_pct": 64.24}
            rows.append({"segmentation": segmentation, "segment": value, **figures, **known})
    return rows


def _retention() -> Rows:
    rows = []
    for n in DAYS:
        eligible = 600 - 2 * n
        for mode, power in (("exact", 0.55), ("rolling", 0.18)):
            retained = int(eligible * 0.85 * n**-power)
            rate = retained / eligible
            width = 1.96 * math.sqrt(rate * (1 - rate) / eligible)
            interval = {"rate": rate, "rate_low": rate - width, "rate_high": rate + width}
            counts = {"n_eligible": eligible, "n_retained": retained}
            key = {"breakdown": "overall", "segment": "all", "mode": mode, "n": n}
            rows.append({**key, **counts, **interval, "is_complete": n < 30})
            rows.append({**key, "breakdown": "platform", "segment": "tv", **counts, **interval})
    return rows


def _cohort_retention() -> Rows:
    rows = []
    weeks = mondays(21)[:-1]
    for age, monday in enumerate(reversed(weeks)):
        for n in range(age + 1):
            rate = 1.0 if n == 0 else 0.62 * (n + 1) ** -0.4
            key = {"cohort_period": "week", "cohort": cohort(monday), "n": n}
            counts = {"size": 30 + age, "n_eligible": 30 + age, "n_retained": int((30 + age) * rate)}
            rows.append({**key, **counts, "rate": rate, "is_complete": n < age})
    for n in range(len(weeks)):
        rate = 1.0 if n == 0 else 0.6 * (n + 1) ** -0.4
        key = {"cohort_period": "week", "cohort": "all", "n": n}
        rows.append({**key, "size": 790, "n_eligible": 790 - 39 * n, "rate": rate, "is_complete": n == 0})
    rows.append({"cohort_period": "month", "cohort": "2026-06", "n": 0, "size": 140, "n_eligible": 140, "rate": 1.0})
    return rows


def _survival() -> Rows:
    rows = []
    at_risk = 620
    for day in range(139):
        share = 1.0 if day < 28 else 0.35 + 0.65 * math.exp(-(day - 27) / 60)
        width = 0.0 if day < 28 else 0.02 + day / 4000
        lost, censored = (0 if day < 28 else 2), 3
        interval = {"survival_low": share - width, "survival_high": min(1.0, share + width)}
        rows.append(
            {"day": day, "n_at_risk": at_risk, "n_lost": lost, "n_censored": censored, "survival": share, **interval}
        )
        at_risk -= lost + censored
    return rows


def early_behaviour(
    odds_ratio: tuple[float, float, float] | None = (1.42, 1.2, 1.68), genres: dict[str, tuple[int, int]] | None = None
) -> Rows:
    """Groups of (users, users who played on D7) by genres explored, and what the regression says if it could be fitted."""
    genres = (
        {"1": (200, 60), "2": (160, 60), "3": (100, 45), "4+": (80, 40), "unknown": (0, 0)}
        if genres is None
        else genres
    )
    first = next((retained / users for users, retained in genres.values() if users), 0.0)
    rows: Rows = []
    for level, (users, retained) in genres.items():
        rate = retained / users if users else None
        compared = {} if level in ("1", "unknown") or rate is None else _difference(rate - first)
        rows.append(_of("groups", "genres", level, users, retained) | {"rate": rate} | compared)
    users, retained = (sum(counts) for counts in zip(*genres.values(), strict=True))
    for behaviour in ("genres", "sessions", "plays"):
        row = _of("regression", behaviour, "per unit", users, retained)
        if odds_ratio:
            row |= dict(zip(("odds_ratio", "odds_ratio_low", "odds_ratio_high"), odds_ratio, strict=True))
        rows.append(row)
    for level, rate, difference in (("now", 0.3796, None), ("then", 0.3871, 0.0075)):
        row = _of("shift", "genres", level, users, retained)
        if odds_ratio:
            row |= {"rate": rate}
            row |= {} if difference is None else _difference(difference, 0.004)
        rows.append(row)
    return rows


def _of(analysis: str, behaviour: str, level: str, users: int, retained: int) -> dict[str, Any]:
    return {"analysis": analysis, "behaviour": behaviour, "level": level, "n_eligible": users, "n_retained": retained}


def _difference(value: float, half_width: float = 0.1) -> dict[str, float]:
    return {"difference": value, "difference_low": value - half_width, "difference_high": value + half_width}
