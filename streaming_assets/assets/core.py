"""The group core: which function makes which table, from which days of what."""

import datetime as dt

import ibis

from streaming_assets.assets.spec import Declared, daily_asset, whole_asset
from streaming_assets.contracts import core
from streaming_assets.lake.fold import Fold
from streaming_assets.lake.pending import Window
from streaming_assets.transforms import calendar, daily, entities
from streaming_assets.transforms.events import events
from streaming_assets.transforms.plays import plays
from streaming_assets.transforms.sessions import sessions

_DAY = Window()
_CALENDAR = {"calendar": "core/calendar"}


def calendar_days(timezone: str, start_date: dt.date) -> ibis.Table:
    """Every day of the reporting zone from the start date on. Columns: contract core/calendar."""
    return ibis.memtable(calendar.days(timezone, start_date), schema=core.calendar.schema)


CONTENT_SEEN = Fold("meta/content_seen", "core/user_content_daily", entities.content_seen, entities.merge_content_seen)
USER_HABITS = Fold("meta/user_habits", "core/user_content_daily", entities.user_habits, entities.merge_habits)
FIRST_SEEN = Fold("meta/first_seen", "core/user_daily", entities.user_first_seen, entities.merge_first_seen)

CALENDAR = whole_asset(core.calendar, calendar_days)

DAILY: tuple[Declared, ...] = (
    daily_asset(core.events, events, days={"raw_events": ("raw/events", _DAY)}, whole={"files": "raw/event_files"}),
    daily_asset(core.plays, plays, days={"events": ("core/events", Window(before=2, after=1))}, whole=_CALENDAR),
    daily_asset(
        core.sessions,
        sessions,
        days={"plays": ("core/plays", Window(after=1)), "events": ("core/events", Window(after=1))},
        whole=_CALENDAR,
    ),
    daily_asset(
        core.user_daily, daily.user_daily, days={"plays": ("core/plays", _DAY), "events": ("core/events", _DAY)}
    ),
    daily_asset(core.user_content_daily, daily.user_content_daily, days={"plays": ("core/plays", _DAY)}),
    daily_asset(core.content_daily, daily.content_daily, days={"plays": ("core/plays", _DAY)}),
    daily_asset(core.hourly_activity, daily.hourly_activity, days={"plays": ("core/plays", _DAY)}, whole=_CALENDAR),
)

ENTITIES: tuple[Declared, ...] = (
    whole_asset(
        core.users,
        entities.users,
        reads={"raw_users": "raw/users", "files": "raw/event_files", "seen": FIRST_SEEN, "habits": USER_HABITS},
    ),
    whole_asset(
        core.content,
        entities.content,
        reads={"raw_content": "raw/content", "files": "raw/event_files", "seen": CONTENT_SEEN},
    ),
)
