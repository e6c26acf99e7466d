"""BG/NBD: users come at a rate of their own, and after each visit may leave for good with a probability of their own.

Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way: An Alternative to the Pareto/NBD Model, Marketing
Science 24(2). Rates are gamma(r, alpha) and the probabilities to leave beta(a, b) among users. A user is known by x, the
visits after the first; t_x, the time from the first to the last; and T, the time for which it was watched.
"""

from dataclasses import dataclass

import numpy as np

LOG_BOUND = 12.0
"""Parameters are sought between exp(−12) and exp(12): where nobody leaves, a tends to 0 without an end."""


@dataclass(frozen=True)
class BgNbd:
    """The four parameters; alpha is in the unit of time of the rows."""

    r: float
    alpha: float
    a: float
    b: float

    def log_likelihood(self, x: np.ndarray, t_x: np.ndarray, watched: np.ndarray) -> np.ndarray:
        """By row: the log-likelihood of x visits, the last at t_x and none until `watched` (T). Equation 6 of the paper."""
        from scipy.special import betaln, gammaln

        visits = gammaln(self.r + x) - gammaln(self.r) + self.r * np.log(self.alpha)
        stayed = betaln(self.a, self.b + x) - betaln(self.a, self.b)
        active = stayed - (self.r + x) * np.log(self.alpha + watched)
        left_before = np.log(self.a) - np.log(self.b + np.maximum(x, 1) - 1)
        left = np.where(x > 0, stayed + left_before - (self.r + x) * np.log(self.alpha + t_x), -np.inf)
        return visits + np.logaddexp(active, left)

    def log_no_visit(self, x: np.ndarray, t_x: np.ndarray, watched: np.ndarray, horizon: float) -> np.ndarray:
        """By row: the log-probability of no visit in (T, T + horizon], given x, t_x and T.

        By Bayes the likelihood of the same visits and none until T + horizon, divided by that of none until T. Equal to
        1 − P(active at T) · (1 − ((alpha + T) / (alpha + T + horizon))^(r + x)): who has not left has a rate that is
        gamma(r + x, alpha + T). It is not 1 − P(active at T): an active user may stay away too.
        """
        return self.log_likelihood(x, t_x, watched + horizon) - self.log_likelihood(x, t_x, watched)


def fit_bg_nbd(x: np.ndarray, t_x: np.ndarray, watched: np.ndarray, users: np.ndarray) -> BgNbd:
    """The parameters of the largest likelihood; each row stands for as many users as `users` says."""
    from scipy.optimize import minimize

    def loss(logs: np.ndarray) -> float:
        return -float((users * BgNbd(*np.exp(logs)).log_likelihood(x, t_x, watched)).sum() / users.sum())

    start = np.log([1.0, max(float(np.median(watched)) / 4, 1e-3), 1.0, 1.0])
    found = minimize(
        loss, start, method="L-BFGS-B", bounds=[(-LOG_BOUND, LOG_BOUND)] * 4, options={"ftol": 1e-13, "gtol": 1e-8}
    )
    return BgNbd(*(float(value) for value in np.exp(found.x)))
