"""The yardstick: the core tables from a Last.fm log, as plain SQL in one DuckDB process.

No lake, no orchestration, no checks: what somebody writes who needs these tables once, from this log, with days in UTC.
Rules and columns are those of the contracts of the group core. The log holds nothing but plays, so nothing is done
about other events; watch times, lengths and platforms are treated as if a row could have them.

    python benchmarks/handwritten.py LANDING DATABASE

LANDING holds userid-timestamp-*.tsv and userid-profile.tsv; DATABASE must not exist. Prints seconds and rows per table
as JSON.
"""

import argparse
import json
import time
from pathlib import Path

import duckdb

MACROS = """
CREATE MACRO end_of(started_at, watch_seconds) AS
    started_at + to_microseconds(round(coalesce(watch_seconds, 0) * 1e6)::BIGINT);

-- What of a day is left once the user has stopped.
CREATE MACRO rest_of(day, busy_until) AS day + INTERVAL 1 DAY - greatest(busy_until, day::TIMESTAMP);

-- Whether a play starts a session: after a break, or as the first one after a day without a break.
CREATE MACRO starts_session(started_at, day, busy_until, day_before, day_before_is_full) AS coalesce(
    busy_until IS NULL
    OR started_at > busy_until + INTERVAL 30 MINUTE
    OR (day_before = day - 1 AND day_before_is_full)
    OR (day_before < day - 1 AND rest_of(day - 1, busy_until) <= INTERVAL 30 MINUTE), false);
"""

EVENTS = r"""
CREATE TABLE core.events AS
SELECT *,
    CASE WHEN watch_seconds IS NOT NULL AND content_seconds > 0
         THEN least(100, 100 * least(watch_seconds, content_seconds) / content_seconds) END AS completion_pct
FROM (
    SELECT
        user_id, started_at, coalesce(track_id, md5(artist || '/' || track)) AS content_id,
        md5(concat_ws(chr(31), user_id, epoch_us(started_at), content_id, 'play')) AS event_id, 'play' AS event_type,
        NULL::DOUBLE AS watch_seconds, NULL::DOUBLE AS content_seconds, NULL::VARCHAR AS platform,
        NULL::VARCHAR AS device, NULL::VARCHAR AS country, NULL::VARCHAR AS state, NULL::VARCHAR AS timezone,
        NULL::BIGINT AS pauses, NULL::BIGINT AS buffer_events, NULL::BOOLEAN AS was_recommended,
        track AS title, artist AS creator, NULL::VARCHAR AS genre, 'music' AS content_type, NULL::VARCHAR AS rating,
        NULL::VARCHAR AS experiment_id, NULL::VARCHAR AS variant,
        600::DOUBLE AS assume_until_next_seconds, 210::DOUBLE AS assume_last_seconds,
        NULL::DOUBLE AS skip_under_seconds,
        started_at::DATE AS event_date, hour(started_at) AS local_hour
    FROM read_csv(
        $landing || '/userid-timestamp-*.tsv', delim = '\t', header = false, quote = '', escape = '',
        timestampformat = '%Y-%m-%dT%H:%M:%SZ',
        columns = {user_id: 'VARCHAR', started_at: 'TIMESTAMP', artist_id: 'VARCHAR', artist: 'VARCHAR',
                   track_id: 'VARCHAR', track: 'VARCHAR'})
)
"""

# Rows are in the order of the log: of equal events its last line stays.
REPEATED_EVENTS = """
DELETE FROM core.events USING (
    SELECT event_date, event_id, max(rowid) AS last
    FROM core.events GROUP BY event_date, event_id HAVING count(*) > 1
) AS repeated
WHERE events.event_date = repeated.event_date AND events.event_id = repeated.event_id AND events.rowid < repeated.last
"""

# A day is full when no stretch of it longer than the gap is uncovered by the user's plays.
PLAYS = """
CREATE TABLE core.plays AS
WITH ordered AS (
    SELECT *,
        max(end_of(started_at, watch_seconds)) OVER (before ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS busy_until,
        lag(event_date) OVER before AS date_before,
        lead(started_at) OVER before AS next_started_at,
        lead(event_date) OVER before AS next_date
    FROM core.events
    WINDOW before AS (PARTITION BY user_id ORDER BY started_at, event_id)
),
full_days AS (
    SELECT user_id, event_date FROM ordered GROUP BY user_id, event_date
    HAVING max(started_at - greatest(busy_until, event_date::TIMESTAMP)) <= INTERVAL 30 MINUTE
       AND rest_of(event_date, greatest(max(end_of(started_at, watch_seconds)), max(busy_until))) <= INTERVAL 30 MINUTE
),
bounded AS (
    SELECT ordered.*, today.user_id IS NOT NULL AS day_is_full,
        starts_session(started_at, event_date, busy_until, date_before, yesterday.user_id IS NOT NULL)
            AS is_session_start,
        CASE WHEN NOT starts_session(next_started_at, next_date, greatest(busy_until, end_of(started_at, watch_seconds)),
                                     event_date, today.user_id IS NOT NULL)
             THEN epoch_us(next_started_at - started_at) / 1e6 END AS until_next
    FROM ordered
    LEFT JOIN full_days AS today USING (user_id, event_date)
    LEFT JOIN full_days AS yesterday
        ON yesterday.user_id = ordered.user_id AND yesterday.event_date = ordered.event_date - 1
)
SELECT
    user_id, started_at, content_id, event_id,
    CASE WHEN watch_seconds IS NOT NULL OR assume_until_next_seconds IS NULL THEN watch_seconds
         WHEN until_next IS NULL THEN assume_last_seconds
         ELSE least(until_next, assume_until_next_seconds) END AS watch_seconds,
    watch_seconds IS NULL AND assume_until_next_seconds IS NOT NULL AS watch_is_assumed,
    content_seconds, platform, country, state, pauses, buffer_events, was_recommended, title, creator, genre,
    content_type, rating, event_date, local_hour, completion_pct,
    is_session_start, coalesce(until_next < skip_under_seconds, false) AS is_skip, day_is_full
FROM bounded
"""

SESSIONS = """
CREATE TABLE core.sessions AS
WITH placed AS (
    SELECT *,
        end_of(started_at, watch_seconds) AS ended_at,
        max(CASE WHEN is_session_start THEN started_at END) OVER (
            PARTITION BY user_id ORDER BY started_at, event_id ROWS UNBOUNDED PRECEDING) AS session_started_at
    FROM core.plays
),
found AS (
    SELECT
        user_id, session_started_at AS started_at, session_started_at::DATE AS session_date,
        max(ended_at) AS natural_end,
        max(CASE WHEN watch_is_assumed THEN placed.started_at ELSE ended_at END) AS known_end,
        session_started_at::DATE + CASE WHEN bool_or(day_is_full AND event_date = session_started_at::DATE)
                                        THEN INTERVAL 1 DAY ELSE INTERVAL 2 DAY END AS latest_end,
        count(*) AS plays,
        count(*) FILTER (event_date > session_started_at::DATE) AS plays_next_day,
        count(*) FILTER (is_skip) AS skips,
        count(DISTINCT content_id) AS distinct_content,
        count(DISTINCT creator) AS distinct_creators,
        count(DISTINCT genre) AS distinct_genres,
        coalesce(sum(watch_seconds), 0) AS watch_seconds,
        bool_or(watch_is_assumed) AS watch_is_assumed,
        coalesce(sum(pauses), 0)::BIGINT AS pauses,
        coalesce(sum(buffer_events), 0)::BIGINT AS buffer_events,
        count(*) FILTER (was_recommended) AS recommended_plays,
        arg_min(platform, placed.started_at) AS platform
    FROM placed GROUP BY user_id, session_started_at
),
bounded AS (
    SELECT *,
        least(natural_end, latest_end, lead(started_at) OVER (PARTITION BY user_id ORDER BY started_at)) AS ended_at
    FROM found
)
SELECT
    md5(concat_ws(chr(31), user_id, epoch_us(started_at))) AS session_id, user_id, session_date, started_at, ended_at,
    epoch_us(ended_at - started_at) / 1e6 AS duration_seconds, plays, plays_next_day, skips, distinct_content,
    distinct_creators, distinct_genres, watch_seconds, watch_is_assumed, pauses, buffer_events, recommended_plays,
    platform, known_end > latest_end AS is_cut
FROM bounded
"""

COMPLETION_SUMS = """
        coalesce(sum(completion_pct), 0) AS completion_pct_sum,
        count(completion_pct) AS completion_pct_n,
        coalesce(sum(least(watch_seconds, content_seconds)) FILTER (completion_pct IS NOT NULL), 0) AS watched_known_seconds,
        coalesce(sum(content_seconds) FILTER (completion_pct IS NOT NULL), 0) AS content_known_seconds
"""

USER_DAILY = f"""
CREATE TABLE core.user_daily AS
SELECT
    user_id, event_date AS date,
    count(*) AS plays,
    count(*) FILTER (is_skip) AS skips,
    0::BIGINT AS completes,
    coalesce(sum(watch_seconds), 0) AS watch_seconds,
    count(watch_seconds) AS plays_with_watch_time,
    count(*) FILTER (is_session_start) AS sessions_started,
    count(DISTINCT content_id) AS distinct_content,
    count(DISTINCT genre) AS distinct_genres,
    coalesce(sum(pauses), 0)::BIGINT AS pauses,
    coalesce(sum(buffer_events), 0)::BIGINT AS buffer_events,
    count(buffer_events) AS plays_with_buffering,
    count(*) FILTER (was_recommended) AS recommended_plays,
    count(was_recommended) AS plays_with_recommendation,
    {COMPLETION_SUMS},
    count(*) FILTER (completion_pct < 10) AS plays_under_10pct,
    min(started_at) AS first_event_at,
    max(started_at) AS last_event_at
FROM core.plays GROUP BY user_id, event_date
"""

USER_CONTENT_DAILY = f"""
CREATE TABLE core.user_content_daily AS
SELECT
    user_id, content_id, state, country, platform, event_date AS date,
    count(*) AS plays,
    coalesce(sum(watch_seconds), 0) AS watch_seconds,
    {COMPLETION_SUMS},
    max(title) AS title, max(creator) AS creator, max(genre) AS genre, max(content_type) AS content_type,
    max(rating) AS rating,
    max(started_at) AS last_event_at
FROM core.plays GROUP BY ALL
"""

CONTENT_DAILY = f"""
CREATE TABLE core.content_daily AS
SELECT
    content_id, state, platform, event_date AS date,
    count(*) AS plays,
    count(DISTINCT user_id) AS unique_users,
    coalesce(sum(watch_seconds), 0) AS watch_seconds,
    count(watch_seconds) AS plays_with_watch_time,
    {COMPLETION_SUMS},
    [{", ".join(f"count(*) FILTER (bin = {number})" for number in range(20))}]
        AS completion_histogram
FROM (SELECT *, CASE WHEN completion_pct >= 95 THEN 19 ELSE floor(completion_pct / 5) END AS bin FROM core.plays)
GROUP BY content_id, state, platform, event_date
"""

HOURLY_ACTIVITY = """
CREATE TABLE core.hourly_activity AS
WITH hours AS (
    SELECT unnest(generate_series(min(event_date)::TIMESTAMP, max(event_date) + INTERVAL 23 HOUR, INTERVAL 1 HOUR)) AS hour_at
    FROM core.plays
),
found AS (
    SELECT date_trunc('hour', started_at) AS hour_at, count(*) AS plays, count(DISTINCT user_id) AS active_users,
        coalesce(sum(watch_seconds), 0) AS watch_seconds
    FROM core.plays GROUP BY 1
)
SELECT hour_at, hour_at::DATE AS date, hour(hour_at) AS local_hour, coalesce(plays, 0) AS plays, coalesce(active_users, 0) AS active_users,
    coalesce(watch_seconds, 0) AS watch_seconds
FROM hours LEFT JOIN found USING (hour_at)
"""


def home(attribute: str) -> str:
    """SELECT of (user_id, home_<attribute>): the most frequent value over plays, ties to the latest."""
    return f"""
    SELECT user_id, arg_max({attribute}, (plays, last_event_at, {attribute})) AS home_{attribute}
    FROM (
        SELECT user_id, {attribute}, sum(plays) AS plays, max(last_event_at) AS last_event_at
        FROM core.user_content_daily WHERE {attribute} IS NOT NULL GROUP BY user_id, {attribute}
    )
    GROUP BY user_id"""


USERS = rf"""
CREATE TABLE core.users AS
WITH records AS (
    SELECT "#id" AS user_id, strptime(registered, '%b %d, %Y') AS signed_up_at, age, gender, country
    FROM read_csv($landing || '/userid-profile.tsv', delim = '\t', header = true, quote = '',
        types = {{age: 'BIGINT', registered: 'VARCHAR'}})
),
seen AS (SELECT user_id, min(first_event_at) AS first_event_at FROM core.user_daily GROUP BY user_id)
SELECT
    user_id,
    coalesce(signed_up_at, TIMESTAMP '1970-01-01') AS valid_from,
    CASE WHEN records.user_id IS NULL THEN first_event_at ELSE signed_up_at END AS signed_up_at,
    NULL::VARCHAR AS plan, age, gender, country, NULL::VARCHAR AS state, NULL::VARCHAR AS platform,
    NULL::VARCHAR AS preferred_genre, NULL::TIMESTAMP AS cancelled_at, NULL::VARCHAR AS cancel_reason,
    NULL::VARCHAR AS email,
    true AS is_current, records.user_id IS NULL AS is_derived, first_event_at, home_country, home_state, home_platform
FROM records FULL JOIN seen USING (user_id)
LEFT JOIN ({home("country")}) USING (user_id)
LEFT JOIN ({home("state")}) USING (user_id)
LEFT JOIN ({home("platform")}) USING (user_id)
"""

CONTENT = f"""
CREATE TABLE core.content AS
SELECT
    content_id, title, content_type, genre, creator, NULL::DOUBLE AS content_seconds, NULL::DATE AS released_on, rating,
    NULL::VARCHAR AS description, true AS is_derived
FROM (
    SELECT content_id,
        {
    ", ".join(
        f"arg_max({name}, (last_event_at, {name})) FILTER ({name} IS NOT NULL) AS {name}"
        for name in ("title", "content_type", "genre", "creator", "rating")
    )
}
    FROM core.user_content_daily GROUP BY content_id
)
"""

STATEMENTS = {
    "events": (EVENTS, REPEATED_EVENTS),
    "plays": (PLAYS,),
    "sessions": (SESSIONS,),
    "user_daily": (USER_DAILY,),
    "user_content_daily": (USER_CONTENT_DAILY,),
    "content_daily": (CONTENT_DAILY,),
    "hourly_activity": (HOURLY_ACTIVITY,),
    "users": (USERS,),
    "content": (CONTENT,),
}


def make_tables(landing: Path, database: Path, memory_limit: str, threads: int) -> dict[str, dict[str, float]]:
    """Makes the schema core in a new database file; seconds and rows of each table, and the seconds of closing it."""
    made: dict[str, dict[str, float]] = {}
    with duckdb.connect(str(database), config={"memory_limit": memory_limit, "threads": threads}) as connection:
        connection.execute("CREATE SCHEMA core;" + MACROS)
        for table, statements in STATEMENTS.items():
            started = time.perf_counter()
            for statement in statements:
                connection.execute(statement, {"landing": str(landing)} if "$landing" in statement else None)
            made[table] = {
                "seconds": time.perf_counter() - started,
                "rows": connection.table(f"core.{table}").count("*").fetchall()[0][0],
            }
        started = time.perf_counter()
    made["closing"] = {"seconds": time.perf_counter() - started, "rows": 0}
    return made


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("landing", type=Path)
    parser.add_argument("database", type=Path)
    parser.add_argument("--memory-limit", default="4GB")
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    print(json.dumps(make_tables(asked.landing, asked.database, asked.memory_limit, asked.threads)))
