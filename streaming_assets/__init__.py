"""Play events in; sessions, metrics, decisions, risks and forecasts out, as Dagster assets."""
