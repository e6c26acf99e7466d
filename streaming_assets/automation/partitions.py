"""The days that exist."""

import datetime as dt

import dagster as dg

from streaming_assets.lake.days import ONE_DAY, Days
from streaming_assets.settings import PREFIX, SettingError, Settings
from streaming_assets.transforms.calendar import date_at


def daily_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """One partition per day of the reporting zone, from the start date to tomorrow."""
    return dg.DailyPartitionsDefinition(
        start_date=settings.start_date.isoformat(), timezone=settings.timezone, end_offset=2
    )


def known_days(settings: Settings, now: dt.datetime) -> Days:
    """The days that are partitions at a UTC time: from the start date to tomorrow. Raises SettingError if there are none."""
    tomorrow = date_at(now, settings.timezone) + ONE_DAY
    if settings.start_date > tomorrow:
        raise SettingError(
            f"{PREFIX}START_DATE: found {str(settings.start_date)!r}, expected a date that is not in the future"
        )
    return Days(settings.start_date, tomorrow)
