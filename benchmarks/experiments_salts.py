"""What the arms of an A/A experiment did under many salts, a batch of salts in one pass of the engine.

Units, their days and what they did before do not depend on the arm, so they are found once; a salt says only who is in
which arm. Rows are made by the pipeline's own functions, with the salt and the arm as the variant.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from streaming_assets.contracts import experiments as contract
from streaming_assets.experiments import assignment, units
from streaming_assets.experiments.assignment import bucket, variant_of
from streaming_assets.experiments.by_day import exposed_by_day, growth_by_day
from streaming_assets.experiments.config import CONTROL
from streaming_assets.experiments.moments import unit_sums
from streaming_assets.lake.studies import Study

SALTS_AT_ONCE = 25

Sums = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Planted:
    """A change that the treatment makes: so many times as much of some columns of unit_metrics."""

    columns: tuple[str, ...]
    factor: float


@dataclass(frozen=True)
class Draw:
    """One salt. sums, planted: of each arm, as it was and by what is planted; growth, exposed: as `daily_sums` takes them.

    control_minutes, treated_minutes: duration of every session of the arm's units since exposure.
    """

    sums: Sums
    planted: Mapping[Planted, Sums]
    growth: pd.DataFrame
    exposed: pd.DataFrame
    control_minutes: npt.NDArray[np.float64]
    treated_minutes: npt.NDArray[np.float64]


class Population:
    """The exposed units of an experiment and what they did, whichever arm they are in."""

    def __init__(self, study: Study) -> None:
        self._experiment, self._backend = study.experiment, study.lake.engine.backend
        window, remember = study.window, study.lake.remember
        assigned = remember(
            "assigned", contract.assignments, lambda: assignment.assignments(study.experiment, window, study.facts)
        )
        self._days = remember("days", contract.unit_days, lambda: units.unit_days(window, assigned, study.facts))
        self._units = remember(
            "units", contract.unit_metrics, lambda: units.unit_metrics(window, assigned, self._days, study.facts)
        )
        since = study.facts.sessions.join(assigned.select("user_id", "exposed_at"), "user_id").filter(
            _.started_at >= _.exposed_at, _.session_date <= window.last
        )
        self._sessions = since.select("user_id", minutes=_.duration_seconds / 60).to_pandas()

    @property
    def units(self) -> int:
        return int(self._units.count().to_pyarrow().as_py())

    @property
    def sessions(self) -> int:
        return len(self._sessions)

    def draws(self, salts: Sequence[str], planted: Sequence[Planted]) -> Iterator[Draw]:
        """Each salt's arms."""
        for first in range(0, len(salts), SALTS_AT_ONCE):
            yield from self._batch(salts[first : first + SALTS_AT_ONCE], planted)

    def _batch(self, salts: Sequence[str], planted: Sequence[Planted]) -> Iterator[Draw]:
        arms = self._backend.create_table("arms", self._arms(salts), temp=True, overwrite=True)
        own_units, own_days = _in_arms(self._units, arms), _in_arms(self._days, arms)
        growth = _by_salt(growth_by_day(own_days, {}))
        exposed = _by_salt(exposed_by_day(own_units))
        sums = _sums_by_salt(own_units)
        changed = {change: _sums_by_salt(_changed(own_units, change)) for change in planted}
        treated = arms.filter(_.arm != CONTROL).to_pandas().groupby("salt")["user_id"]
        for salt in salts:
            is_treated = self._sessions["user_id"].isin(treated.get_group(salt))
            minutes = self._sessions["minutes"].to_numpy()
            yield Draw(
                sums[salt],
                {change: found[salt] for change, found in changed.items()},
                growth[salt],
                exposed[salt],
                minutes[~is_treated],
                minutes[is_treated],
            )

    def _arms(self, salts: Sequence[str]) -> ibis.Table:
        """(user_id, salt, arm) of every unit and salt."""
        buckets = self._units.select("user_id", **{salt: bucket(salt, self._units.user_id) for salt in salts})
        by_salt = buckets.pivot_longer(list(salts), names_to="salt", values_to="bucket")
        return by_salt.select("user_id", "salt", arm=variant_of(self._experiment, by_salt.bucket))


def _in_arms(rows: ibis.Table, arms: ibis.Table) -> ibis.Table:
    """The rows once per salt, which is the experiment, with salt and arm as the variant."""
    return (
        rows.drop("experiment_id", "variant")
        .join(arms, "user_id")
        .mutate(experiment_id=_.salt, variant=_.salt + "/" + _.arm)
        .drop("salt")
    )


def _changed(own_units: ibis.Table, change: Planted) -> ibis.Table:
    factor = (_.arm == CONTROL).ifelse(1.0, change.factor)
    return own_units.mutate(**{name: _[name].cast("float64") * factor for name in change.columns})


def _sums_by_salt(own_units: ibis.Table) -> dict[str, Sums]:
    frame = unit_sums(own_units, ("variant",)).to_pandas().set_index("variant")
    found: dict[str, dict[str, dict[str, float]]] = {}
    for label, row in zip(frame.index, frame.to_numpy(float).tolist(), strict=True):
        salt, _slash, arm = label.partition("/")
        found.setdefault(salt, {})[arm] = dict(zip(frame.columns, row, strict=True))
    return dict(found)


def _by_salt(rows: ibis.Table) -> dict[str, pd.DataFrame]:
    """The rows of each salt, with the arm alone as the variant."""
    frame = rows.to_pandas()
    parts = frame["variant"].str.partition("/")
    return {str(salt): own for salt, own in frame.assign(variant=parts[2]).groupby(parts[0])}
