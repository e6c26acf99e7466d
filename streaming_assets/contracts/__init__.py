"""One declaration per table. `ALL` lists every table of the lake by name."""

from streaming_assets.contracts import core, experiments, marts, meta, models, raw
from streaming_assets.contracts.table import Column, Reference, Table

ALL: dict[str, Table] = {
    table.name: table
    for table in (
        raw.event_files,
        raw.events,
        raw.users,
        raw.content,
        raw.rejected_rows,
        core.calendar,
        core.events,
        core.plays,
        core.users,
        core.content,
        core.sessions,
        core.user_daily,
        core.user_content_daily,
        core.content_daily,
        core.hourly_activity,
        *marts.TABLES,
        *experiments.TABLES,
        *models.TABLES,
        meta.open_failures,
        meta.published,
        meta.content_seen,
        meta.user_habits,
        meta.first_seen,
        meta.title_totals,
        meta.user_titles,
        meta.first_days,
        models.churn.churn_score_log,
    )
}

__all__ = ["ALL", "Column", "Reference", "Table"]
