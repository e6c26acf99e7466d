"""What the UI shows of each mart and of each table of models."""

from streaming_assets.reporting import audience, content, early_behaviour, retention, shown_models, users
from streaming_assets.reporting.parts import Plot, Sentence, Shown

_MARTS: dict[str, Shown] = {
    "marts/platform_daily": Shown(
        plots=(Plot("plays_and_active_users", audience.latest_year, audience.draw_plays_and_users),)
    ),
    "marts/platform_weekly": Shown(
        say=(Sentence("latest_weeks", audience.latest_eight_weeks, audience.tell_latest_weeks),)
    ),
    "marts/active_users": Shown(plots=(Plot("active_users", audience.latest_year, audience.draw_active_users),)),
    "marts/lifecycle_weekly": Shown(
        plots=(Plot("new_returning_and_dormant_users", audience.latest_52_weeks, audience.draw_lifecycle),)
    ),
    "marts/hourly_profile": Shown(
        plots=(Plot("plays_by_weekday_and_hour", audience.hours_of_the_week, audience.draw_hours),)
    ),
    "marts/state_metrics": Shown(plots=(Plot("plays_by_state", audience.largest_states, audience.draw_states),)),
    "marts/content_performance": Shown(
        plots=(Plot("plays_by_completion", content.completion_bins, content.draw_completion),)
    ),
    "marts/top_content_7d": Shown(
        plots=(Plot("top_content", content.whole, content.draw_top_content),),
        say=(Sentence("top_content_as_a_table", content.whole, content.tell_top_content),),
    ),
    "marts/segment_summary": Shown(
        plots=(Plot("shares_of_users", users.known_shares, users.draw_shares),),
        say=(Sentence("segments_as_a_table", users.known_shares, users.tell_segments),),
    ),
    "marts/retention": Shown(
        plots=(Plot("retention_curves", retention.overall, retention.draw_curves),),
        say=(Sentence("retention_in_words", retention.overall_exact, retention.tell_retention),),
    ),
    "marts/cohort_retention": Shown(plots=(Plot("cohorts", retention.latest_weekly_cohorts, retention.draw_cohorts),)),
    "marts/survival": Shown(plots=(Plot("survival_curve", retention.days_of_life, retention.draw_survival),)),
    "marts/early_behaviour": Shown(
        say=(Sentence("does_diversity_matter", early_behaviour.of_anybody, early_behaviour.tell_early_behaviour),)
    ),
}

SHOWN = {**_MARTS, **shown_models.SHOWN}

_NO_PLAYS = "Nothing to show: there are no plays up to T."
_REASONS = {
    **shown_models.REASONS,
    "marts/content_performance": "Nothing to show: no play up to T has a known completion, for which its source must "
    "give both the watch time and the length of the content.",
    "marts/top_content_7d": "Nothing to show: there are no plays in the seven days up to T.",
    "marts/retention": "Nothing to show: of no user is the day after D0 over at T.",
    "marts/cohort_retention": "Nothing to show: of no user is the first week (D0 … D0 + 6) over at T.",
    "marts/early_behaviour": "Nothing to tell: of no user is D0 + 7 reached at T.",
}


def nothing_to_show(table: str) -> str:
    """Why reduce yields no rows for a table, named as in the contracts (marts/retention)."""
    return _REASONS.get(table, _NO_PLAYS)
