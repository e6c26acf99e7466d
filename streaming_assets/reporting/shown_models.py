"""What the UI shows of each table of models."""

from streaming_assets.reporting import clusters, forecast
from streaming_assets.reporting.churn import performance, risk
from streaming_assets.reporting.parts import Plot, Sentence, Shown

SHOWN: dict[str, Shown] = {
    "models/churn_champion": Shown(say=(Sentence("card", performance.whole, performance.tell_card),)),
    "models/churn_candidates": Shown(say=(Sentence("candidates", performance.held_out, performance.tell_candidates),)),
    "models/churn_reliability": Shown(
        plots=(
            Plot("reliability", performance.tenths, performance.draw_reliability),
            Plot("lift", performance.tenths, performance.draw_lift),
        )
    ),
    "models/churn_slices": Shown(say=(Sentence("slices", performance.largest_slices, performance.tell_slices),)),
    "models/churn_summary": Shown(
        plots=(Plot("drivers", risk.drivers, risk.draw_drivers), Plot("risk_bands", risk.risk_bands, risk.draw_bands))
    ),
    "models/churn_reasons": Shown(say=(Sentence("reasons", performance.whole, risk.tell_reasons),)),
    "models/return_rate": Shown(plots=(Plot("return_rate", risk.known_returns, risk.draw_return_rate),)),
    "models/feature_drift": Shown(plots=(Plot("drift", risk.known_drift, risk.draw_drift),)),
    "models/realised_performance": Shown(
        plots=(Plot("realised_log_loss", performance.judged_cutoffs, performance.draw_realised),)
    ),
    "models/viewer_forecast": Shown(
        plots=(Plot("next_hours", forecast.next_hours, forecast.draw_forecast),),
        say=(Sentence("peak", forecast.next_hours, forecast.tell_peak),),
    ),
    "models/forecast_summary": Shown(say=(Sentence("backtest", forecast.candidates, forecast.tell_backtest),)),
    "models/forecast_coverage": Shown(plots=(Plot("coverage", forecast.hours_of_the_day, forecast.draw_coverage),)),
    "models/cluster_profiles": Shown(
        plots=(Plot("profiles", clusters.whole, clusters.draw_profiles),),
        say=(Sentence("profiles_as_a_table", clusters.whole, clusters.tell_profiles),),
    ),
    "models/cluster_summary": Shown(say=(Sentence("training", clusters.whole, clusters.tell_training),)),
    "models/daily_plays_forecast": Shown(say=(Sentence("week", forecast.next_days, forecast.tell_week),)),
}

_UNTRAINED = "the last training came to nothing; models/churn_champion says why."
REASONS = {
    "models/churn_champion": "Nothing to tell: no training was tried yet.",
    "models/churn_candidates": f"Nothing to tell: {_UNTRAINED}",
    "models/churn_reliability": f"Nothing to show: {_UNTRAINED}",
    "models/churn_slices": f"Nothing to tell: {_UNTRAINED} Or each slice has fewer than 30 rows.",
    "models/churn_summary": "Nothing to show: nobody is scored; models/churn_champion says whether there is a model.",
    "models/churn_reasons": "Nothing to tell: reasons were not looked at yet.",
    "models/return_rate": "Nothing to show: of no break between plays are the 90 days since its start over at T.",
    "models/feature_drift": "Nothing to show: there is no model whose features could have shifted, or nobody to compare.",
    "models/viewer_forecast": "Nothing to show: there is less than a day of history, or none in the last 28 days.",
    "models/forecast_summary": "Nothing to tell: no forecast was tried yet.",
    "models/forecast_coverage": "Nothing to show: no interval could be judged yet.",
    "models/daily_plays_forecast": "Nothing to tell: none of the last 28 days has plays.",
    "models/cluster_profiles": "Nothing to show: there is no stable segmentation; models/cluster_summary says why.",
    "models/cluster_summary": "Nothing to tell: no training was tried yet.",
    "models/realised_performance": "Nothing to show: no score is 29 days old yet, so that nobody knows what came true.",
}
"""Why there is nothing to show of a table."""
