"""Pure models: churn with its reasons, the audience forecast, kinds of users. A clock and a seed are arguments."""
