"""What the UI shows of the models of churn: `performance` says how far they can be trusted, `risk` who may leave and why."""
