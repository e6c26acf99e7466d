"""The group marts: which function makes which table, from what.

Marts read the compact daily tables, aggregates over all days that are kept and added to, or the last days of a table:
never all events.
"""

from streaming_assets.assets.core import USER_HABITS
from streaming_assets.assets.spec import Last, Reads, mart
from streaming_assets.contracts.marts import audience as of_audience
from streaming_assets.contracts.marts import content as of_content
from streaming_assets.contracts.marts import retention as of_retention
from streaming_assets.contracts.marts import users as of_users
from streaming_assets.lake.fold import Fold
from streaming_assets.transforms import (
    audience,
    breakdowns,
    content,
    early_behaviour,
    retention,
    segments,
    survival,
    titles,
    users,
)

TITLE_TOTALS = Fold("meta/title_totals", "core/content_daily", titles.title_totals, titles.merge_title_totals)
USER_TITLES = Fold("meta/user_titles", "core/user_content_daily", titles.user_titles, titles.merge_user_titles)
FIRST_DAYS = Fold("meta/first_days", "core/user_content_daily", retention.first_days, retention.merge_first_days)

_USER_DAYS: Reads = {"user_daily": "core/user_daily"}
_CALENDAR: Reads = {"calendar": "core/calendar"}
_CONTENT: Reads = {"content": "core/content"}
_RECENT: Reads = {"recent": Last("core/content_daily", 14)}
_TOTALS: Reads = {"title_totals": TITLE_TOTALS}
_USER_TITLES: Reads = {"user_titles": USER_TITLES}
_BEGINNINGS: Reads = {**_USER_DAYS, "first_days": FIRST_DAYS, "users": "core/users", **_CALENDAR}

MARTS = (
    mart(
        of_audience.platform_daily,
        audience.platform_daily,
        reads={**_USER_DAYS, "sessions": "core/sessions", **_CALENDAR},
    ),
    mart(
        of_audience.platform_weekly,
        audience.platform_weekly,
        reads={**_USER_DAYS, "sessions": "core/sessions", **_CALENDAR},
    ),
    mart(
        of_audience.hourly_profile,
        audience.hourly_profile,
        reads={"hourly_activity": "core/hourly_activity", **_CALENDAR},
    ),
    mart(of_audience.active_users, audience.active_users, reads={**_USER_DAYS, **_CALENDAR}),
    mart(of_audience.lifecycle_daily, audience.lifecycle_daily, reads={**_USER_DAYS, **_CALENDAR}),
    mart(of_audience.lifecycle_weekly, audience.lifecycle_weekly, reads={**_USER_DAYS, **_CALENDAR}),
    mart(of_audience.state_metrics, breakdowns.state_metrics, reads={**_TOTALS, "habits": USER_HABITS}),
    mart(of_audience.platform_metrics, breakdowns.platform_metrics, reads={**_TOTALS, "habits": USER_HABITS}),
    mart(of_audience.genre_metrics, breakdowns.genre_metrics, reads={**_TOTALS, **_USER_TITLES, **_CONTENT}),
    mart(
        of_audience.content_type_metrics,
        breakdowns.content_type_metrics,
        reads={**_TOTALS, **_USER_TITLES, **_CONTENT},
    ),
    mart(
        of_content.content_performance,
        content.content_performance,
        reads={**_TOTALS, **_USER_TITLES, **_CONTENT, **_RECENT},
    ),
    mart(
        of_content.content_by_hour,
        content.content_by_hour,
        reads={"plays": Last("core/plays", "content_by_hour_days"), **_CONTENT},
    ),
    mart(of_content.content_by_state, content.content_by_state, reads={**_TOTALS, **_USER_TITLES, **_CONTENT}),
    mart(of_content.top_content_7d, content.top_content_7d, reads={**_RECENT, **_CONTENT}),
    mart(
        of_users.user_metrics,
        users.user_metrics,
        reads={**_USER_DAYS, "sessions": "core/sessions", **_USER_TITLES, **_CONTENT},
    ),
    mart(of_users.user_segments, segments.user_segments, reads={"user_metrics": "marts/user_metrics"}),
    mart(
        of_users.segment_summary,
        segments.segment_summary,
        reads={"user_segments": "marts/user_segments", "user_metrics": "marts/user_metrics"},
    ),
    mart(of_retention.retention, retention.retention, reads={**_BEGINNINGS, **_USER_TITLES, **_CONTENT}),
    mart(
        of_retention.early_behaviour,
        early_behaviour.early_counts,
        reads={**_BEGINNINGS, **_USER_TITLES, **_CONTENT},
        finish=early_behaviour.early_behaviour,
    ),
    mart(of_retention.cohort_retention, retention.cohort_retention, reads=_BEGINNINGS),
    mart(of_retention.survival, survival.lifetimes, reads=_USER_DAYS, finish=survival.survival_curve),
)
