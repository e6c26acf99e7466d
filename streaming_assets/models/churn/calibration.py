"""From a candidate's log-odds to log-odds that can be taken at their word."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Calibration:
    """intercept + slope · log-odds; the slope is never negative, so that the ranking stands."""

    intercept: float
    slope: float

    def __call__(self, log_odds: np.ndarray) -> np.ndarray:
        return self.intercept + self.slope * log_odds


def calibration(log_odds: np.ndarray, churned: np.ndarray) -> Calibration:
    """The map under which these outcomes are likeliest. Platt (1999), Probabilistic Outputs for Support Vector Machines.

    As there, outcomes count as (n₁ + 1)/(n₁ + 2) and 1/(n₀ + 2), so that a perfect order stays finite. Log-odds that are
    all the same are only moved.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    n_churned = churned.sum()
    target = np.where(churned, (n_churned + 1) / (n_churned + 2), 1 / (len(churned) - n_churned + 2))

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        intercept, slope = parameters
        mapped = intercept + slope * log_odds
        off = expit(mapped) - target
        return float(np.mean(np.logaddexp(0, mapped) - target * mapped)), np.array(
            [off.mean(), (off * log_odds).mean()]
        )

    slopes = (1.0, 1.0) if np.ptp(log_odds) == 0 else (0.0, None)
    found = minimize(
        loss,
        [0.0, 1.0],
        jac=True,
        method="L-BFGS-B",
        bounds=[(None, None), slopes],
        options={"ftol": 1e-15, "gtol": 1e-9},
    )
    return Calibration(float(found.x[0]), float(found.x[1]))


def recentred(kept: Calibration, log_odds: np.ndarray, churned: np.ndarray) -> Calibration:
    """The same slope, with the intercept under which the mean probability is the observed rate."""
    from scipy.optimize import brentq
    from scipy.special import expit, logit

    rate = churned.mean()
    sloped = kept.slope * log_odds
    # Between the extremes of what single rows would need lies what all of them together do.
    low, high = logit(rate) - sloped.max() - 1, logit(rate) - sloped.min() + 1
    return Calibration(brentq(lambda intercept: float(expit(intercept + sloped).mean()) - rate, low, high), kept.slope)
