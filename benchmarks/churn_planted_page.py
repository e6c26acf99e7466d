"""What the page of benchmarks says of planted reasons to leave."""

from collections import Counter
from collections.abc import Mapping, Sequence

from benchmarks.page import Figures, provenance, shown_memory, shown_time, table
from benchmarks.promises import HEAD, above_nothing, listed, number, percent, promise, span, within
from streaming_assets.contracts.models.churn import FAMILIES, NO_DRIVER
from streaming_assets.models.churn.gate import LARGEST_CALIBRATION_ERROR
from streaming_assets.simulate.churn_drivers import DRIVERS

NO_SKILL = (0.45, 0.55)
LEAST_NAMED = 0.85


def section(figures: Figures) -> str:
    found = figures["simulations"]
    judged, drivers = [one["judged"] for one in found], [one["drivers"] for one in found]
    named = _together(drivers, "on")
    promises = [
        above_nothing(
            "log loss gained over recency_only, lower end of its 90 % interval",
            (one["gain_low"] for one in judged),
            percent,
        ),
        above_nothing(
            "AUC gained over recency_only, lower end of its 90 % interval",
            (one["auc_gain_low"] for one in judged),
            number,
        ),
        promise(
            "calibration error on the test cutoffs",
            f"at most {number(LARGEST_CALIBRATION_ERROR)}, or what chance makes of it",
            span((one["ece"] for one in judged), number),
            all(one["ece"] <= max(LARGEST_CALIBRATION_ERROR, one["ece_limit"]) for one in judged),
        ),
        within(
            "AUC of a model of shuffled labels", NO_SKILL, (one["champion"]["shuffled_auc"] for one in found), number
        ),
        promise(
            "the planted driver is named first, riskiest tenth, all seeds together",
            f"at least {percent(LEAST_NAMED)}",
            f"{percent(_share(named, 'named'))}; by seed {span((_share(one['on'], 'named') for one in drivers), percent)}",
            _share(named, "named") >= LEAST_NAMED,
        ),
    ]
    return f"""\
### Planted reasons to leave

{provenance(figures)}

`simulate` with {figures["users"]:,} users and {figures["days"]} days, once per seed, then `streaming-assets run --groups raw,core,marts,models,published`
on it: {listed(shown_time(one["seconds"]) for one in found)}, of which the run of the models {listed(shown_time(one["seconds_of_models"]) for one in found)}. Peak memory {shown_memory(max(one["peak_bytes"] for one in found))}. Every seed has to
keep what is promised where nothing else is said.

{table(HEAD, promises)}
The champion on the test cutoffs, beside recency_only; intervals are of 90 %.

{table(["seed", "champion", "users × cutoffs", "left", "log loss", "gained", "AUC", "gained", "calibration error", "95 % of chance"], map(_champion, found))}
{_drivers(drivers)}
Reasons that users state, and kinds of users:

{table(["seed", "models/churn_reasons", "clusters"], ([str(one["seed"]), one["reasons"]["status"], _clusters(one["clusters"])] for one in found))}"""


def _champion(one: Figures) -> list[str]:
    judged, baseline = one["judged"], one["baseline"]
    return [
        str(one["seed"]),
        one["champion"]["candidate"],
        f"{judged['n']:,}",
        f"{judged['n_churned']:,}",
        f"{judged['log_loss']:.4f} for {baseline['log_loss']:.4f}",
        f"{percent(judged['gain'])} ({span((judged['gain_low'], judged['gain_high']), percent)})",
        f"{judged['auc']:.3f} for {baseline['auc']:.3f}",
        f"{number(judged['auc_gain'])} ({span((judged['auc_gain_low'], judged['auc_gain_high']), number)})",
        f"{judged['ece']:.3f}",
        f"{judged['ece_limit']:.3f}",
    ]


_GROUPS = {
    "on": "have a planted driver on at T: those counted",
    "leavers": "leave for it, some day",
    "in_window": "leave for it in the label window",
}


def _drivers(drivers: Sequence[Figures]) -> str:
    riskiest, over = (sum(one[count] for one in drivers) for count in ("riskiest", "over"))
    together = {group: _together(drivers, group) for group in _GROUPS}
    groups = [
        [
            text,
            f"{together[group]['users']:,}",
            *(percent(_share(together[group], part)) for part in ("named", "among_two")),
        ]
        for group, text in _GROUPS.items()
    ]
    first = {driver: sum((Counter(one["first"][driver]) for one in drivers), Counter()) for driver in DRIVERS}
    columns = (*FAMILIES, NO_DRIVER)
    rows = [
        [driver, *(f"{counts[name]:,}" for name in columns), percent(counts[driver] / counts.total())]
        for driver, counts in first.items()
        if counts
    ]
    return f"""\
Drivers of the {riskiest:,} users of all seeds whose risk_band is high, the riskiest tenth of the active ones at T + 1. Counted
are the {together["on"]["users"]:,} whose planted driver is on at T: it has begun by then and its last day is T or later. That holds for
everybody who leaves for it in the label window, days T + 2 to T + 29, for those who leave earlier or later than that, and
for those who have it for a while and get over it. Not counted are {over:,} whose driver is over, and {riskiest - over - together["on"]["users"]:,} in whom none was
planted, or none that had begun. `no dominant driver` counts as not named.

{table(["users who", "", "driver_1 is the planted one", "driver_1 or driver_2 is"], groups)}
Which driver_1 those counted have, by the planted one:

{table(["planted", *columns, "named first"], rows)}"""


def _together(drivers: Sequence[Figures], group: str) -> dict[str, int]:
    """The group of all seeds."""
    return {count: sum(one[group][count] for one in drivers) for count in ("users", "named", "among_two")}


def _clusters(figures: Figures) -> str:
    return f"k = {figures['k']}" if figures["k"] else figures["reason"]


def _share(of_group: Mapping[str, int], part: str) -> float:
    return of_group[part] / of_group["users"]
