"""Whether snapshots made of different data know the same: a feature that sees past its cutoff shows here."""

import ibis
from ibis import _

from streaming_assets.contracts.models.churn import churn_snapshots

RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE = 1e-9, 1e-12

_KEY = ("user_id", "cutoff")


def differing_rows(stored: ibis.Table, recomputed: ibis.Table) -> ibis.Table:
    """What two snapshot tables say differently of users as they were known.

    Grain: one row per user, cutoff and column that differs; a user of one table alone differs in the columns that are
    not NULL. Columns: cutoff, user_id, column, stored and recomputed, as text. `churned` is not compared. Floats are equal
    to 1e-9 of the larger one and 1e-12, which is what sums in another order leave of a logarithm near 0; NULL equals NULL.
    """
    names = [name for name in churn_snapshots.column_names if name not in (*_KEY, "churned")]
    both = stored.outer_join(recomputed, list(_KEY))
    pairs = [
        ibis.struct(
            {
                "column": name,
                "stored": both[name].cast("string"),
                "recomputed": both[f"{name}_right"].cast("string"),
                "differs": _differs(both[name], both[f"{name}_right"]),
            }
        )
        for name in names
    ]
    return (
        both.select(
            **{name: both[name].coalesce(both[f"{name}_right"]) for name in _KEY}, pair=ibis.array(pairs).unnest()
        )
        .unpack("pair")
        .filter(_.differs)
        .select("cutoff", "user_id", "column", "stored", "recomputed")
    )


def _differs(left: ibis.Value, right: ibis.Value) -> ibis.Value:
    if not left.type().is_floating():
        return ~left.identical_to(right)
    allowed = RELATIVE_TOLERANCE * ibis.greatest(left.abs(), right.abs()) + ABSOLUTE_TOLERANCE
    return (left.isnull() != right.isnull()) | ((left - right).abs() > allowed).coalesce(False)
