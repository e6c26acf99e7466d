"""The days that exist."""

import dagster as dg

from streaming_assets.settings import Settings


def daily_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """One partition per day of the reporting zone, from the start date to tomorrow."""
    return dg.DailyPartitionsDefinition(
        start_date=settings.start_date.isoformat(), timezone=settings.timezone, end_offset=2
    )
