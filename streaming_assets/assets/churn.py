"""The models of churn: which function makes which table, from what. Snapshots are made one cutoff at a time."""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg
import ibis
from ibis import _

from streaming_assets.assets.models import TRAIN_NOW, Refreshed, Trained
from streaming_assets.assets.spec import Input, PartRows, asset_key, common_spec, lake_of
from streaming_assets.contracts.models import churn as contract
from streaming_assets.errors import ModelRefusedError
from streaming_assets.lake.champions import champion_row, load_champion, store_champion, usable_version
from streaming_assets.lake.code import code_of_models
from streaming_assets.lake.days import Days
from streaming_assets.lake.lake import Lake, parts_of, reporting_day
from streaming_assets.lake.snapshots import READS, Cutoffs, days_before, is_closed, tables_at
from streaming_assets.lake.training import Training
from streaming_assets.models.churn.cutoffs import Split

if TYPE_CHECKING:
    import pandas as pd

    from streaming_assets.models.churn.model import Model
    from streaming_assets.models.churn.training import Training as Outcome

SEED = 20_261_127
SNAPSHOTS, CHAMPION = contract.churn_snapshots, contract.churn_champion
TASTE_DAYS = 90
"""Days from which is told what users like; titles that are suggested are counted over the last 28 of them."""


def churn_snapshots() -> dg.AssetsDefinition:
    """The asset of the snapshots: those of a training are made when it is due, the one to score at when T moves on."""

    def compute(context: dg.AssetExecutionContext, **inputs: Input) -> PartRows:
        lake = lake_of(inputs, SNAPSHOTS)
        cutoffs = Cutoffs(lake, for_training=TRAIN_NOW in context.run.tags or TRAINING.is_due(lake))
        stale = cutoffs.stale()
        return PartRows(
            lambda cutoff: _made_together(cutoffs, stale).filter(_.cutoff == dt.date.fromisoformat(cutoff)),
            stale,
            cutoffs.gone(),
            {"made_of": cutoffs.noted()},
            READS,
        )

    compute.__name__ = SNAPSHOTS.name.replace("/", "__")
    ins = {name.replace("/", "__"): dg.AssetIn(key=asset_key(name)) for name in READS}
    return dg.asset(**common_spec(SNAPSHOTS, code_of_models()), ins=ins)(compute)


def _made_together(cutoffs: Cutoffs, made: Collection[str]) -> ibis.Table:
    """The snapshots of several cutoffs, for which each table is read once."""
    from streaming_assets.models.churn.snapshot import snapshots

    lake, dates = cutoffs.lake, sorted(map(dt.date.fromisoformat, made))

    def make() -> ibis.Table:
        return snapshots(
            dates,
            as_of=reporting_day(lake),
            observation_days=cutoffs.observation_days,
            **tables_at(lake, dates),
        )

    return lake.remember(f"snapshots of {', '.join(made)}", SNAPSHOTS, make)


def _is_settled(lake: Lake) -> bool:
    row = champion_row(lake)
    return row is not None and row["outcome"] in contract.SETTLED


def _is_to_be_made(lake: Lake) -> bool:
    return Cutoffs(lake, for_training=True).training_is_stale


def _is_lost(lake: Lake) -> bool:
    row = champion_row(lake)
    return row is not None and row["version"] is not None and usable_version(lake) is None


TRAINING = Training(
    "churn",
    tuple(
        table.name for table in (contract.churn_candidates, contract.churn_reliability, contract.churn_slices, CHAMPION)
    ),
    (SNAPSHOTS.name,),
    _is_settled,
    _is_lost,
    _is_to_be_made,
)


def _champion(lake: Lake) -> "Model | None":
    try:
        return load_champion(lake)
    except ModelRefusedError as error:
        raise dg.Failure(str(error), allow_retries=False) from error


def _incumbent(lake: Lake) -> "Model | None":
    """The present champion, unless it is of a later T: it would know what is to come."""
    model = _champion(lake)
    return model if model is not None and model.as_of <= reporting_day(lake) else None


def _learned_from(found: "Outcome", split: Split | None, before: Mapping[str, Any] | None) -> list[dt.date]:
    """The cutoffs that the model that scores was fitted to."""
    if found.model is None:
        return []
    if split is not None and found.outcome == "trained":
        return [*split.train, *split.calibrate, *split.test]
    return list(before["model_cutoffs"]) if before else []


def _train(lake: Lake) -> Mapping[str, "pd.DataFrame"]:
    """Train on the cutoffs as of T, and store the model that scores from now on."""
    import pandas as pd

    from streaming_assets.models.churn.card import card
    from streaming_assets.models.churn.snapshot import known, label_kind
    from streaming_assets.models.churn.training import train

    split, before = Cutoffs(lake, for_training=True).split, champion_row(lake)
    rows, as_of = lake.read(SNAPSHOTS.name), reporting_day(lake)
    users = known(lake.read("core/users"), lake.read("core/calendar"), as_of)
    found = train(
        rows.filter(rows.churned.notnull()).to_pandas(),
        split,
        _incumbent(lake),
        as_of=as_of,
        label=label_kind(users).to_pyarrow().as_py(),
        code=code_of_models(),
        seed=SEED,
    )
    told = card(found.champion, found.candidates, found.reliability, found.slices)
    if found.model is not None:
        store_champion(lake, found.model, told, found.candidates)
    return {
        contract.churn_candidates.name: found.candidates,
        contract.churn_reliability.name: found.reliability,
        contract.churn_slices.name: found.slices,
        CHAMPION.name: pd.DataFrame(
            [{**found.champion, "model_cutoffs": _learned_from(found, split, before), "card": told}]
        ),
    }


def _churn_scores(lake: Lake) -> "pd.DataFrame":
    from streaming_assets.models.churn.catalogue import favourites, titles_by_genre
    from streaming_assets.models.churn.scores import scores

    as_of, cutoff = reporting_day(lake), Cutoffs(lake, for_training=False).scoring
    played, content = _played(lake), lake.read("core/content")
    liked = favourites(played, content, lake.read("core/users"), lake.read("core/calendar"), cutoff)
    titles = titles_by_genre(played, content, as_of)
    return scores(_at(lake, cutoff).to_pandas(), _champion(lake), liked.to_pandas(), titles.to_pandas())


def _churn_summary(lake: Lake) -> "pd.DataFrame":
    from streaming_assets.models.churn.scores import summary

    return summary(lake.read(contract.churn_scores.name).to_pandas())


def _churn_reasons(lake: Lake) -> "pd.DataFrame":
    from streaming_assets.models.churn.reasons import reasons, stated_reasons

    stated = stated_reasons(
        lake.read(SNAPSHOTS.name),
        lake.read("core/users"),
        lake.read("core/calendar"),
        Cutoffs(lake, for_training=False).scoring,
    )
    return reasons(stated.to_pandas(), _champion(lake), SEED)


def _feature_drift(lake: Lake) -> "pd.DataFrame":
    import pandas as pd

    from streaming_assets.models.churn.drift import drift
    from streaming_assets.models.churn.tables import frame_of

    champion, row = _champion(lake), champion_row(lake)
    if champion is None or row is None:
        return frame_of(contract.feature_drift, [])
    learned = [_active(lake, cutoff) for cutoff in row["model_cutoffs"]]
    now = _active(lake, Cutoffs(lake, for_training=False).scoring)
    return drift(pd.concat(learned or [now.head(0)]), now, champion.design)


def _active(lake: Lake, cutoff: dt.date) -> "pd.DataFrame":
    rows = _at(lake, cutoff)
    return rows.filter(rows.status == "active").to_pandas()


def _at(lake: Lake, cutoff: dt.date) -> ibis.Table:
    return lake.read_part(SNAPSHOTS.name, str(cutoff))


def _played(lake: Lake) -> ibis.Table:
    """What was played in the days that titles and tastes are told from."""
    as_of = reporting_day(lake)
    return lake.read("core/user_content_daily", Days(as_of - dt.timedelta(days=TASTE_DAYS - 1), as_of))


def _realised_performance(lake: Lake) -> "pd.DataFrame":
    """Log what was said for the cutoff of the scores, and judge what was said for those whose label window is over."""
    import pandas as pd

    from streaming_assets.models.churn.realised import realised

    table, log = contract.realised_performance, contract.churn_score_log
    known = lake.read(table.name).to_pandas()
    judged = {str(cutoff) for cutoff in known.cutoff}
    _log_scores(lake, judged)
    as_of = reporting_day(lake)
    closed = [cutoff for cutoff in parts_of(lake, log.name) if is_closed(dt.date.fromisoformat(cutoff), as_of)]
    found = [
        realised(scored, _outcomes(lake, dt.date.fromisoformat(cutoff), str(label)).to_pandas())
        for cutoff in closed
        for label, scored in lake.read_part(log.name, cutoff).to_pandas().groupby("label")
    ]
    kept = known[~known.cutoff.astype(str).isin(closed)]
    return pd.concat([part for part in (kept, *found) if len(part)] or [known]).sort_values("cutoff")


def _log_scores(lake: Lake, judged: Collection[str]) -> None:
    """Keep the present scores until their window is over, and let go of those that a committed row has judged."""
    log = contract.churn_score_log
    champion = champion_row(lake)
    scored = (
        lake.read(contract.churn_scores.name)
        .filter(_.churn_probability.notnull())
        .mutate(label=ibis.literal(champion and champion["label"], "string"))
    )
    cutoff = str(Cutoffs(lake, for_training=False).scoring)
    gone = [part for part in parts_of(lake, log.name) if part in judged]
    lake.write_parts(log.name, [cutoff], lambda part: scored.select(*log.column_names), gone, {})


def _outcomes(lake: Lake, cutoff: dt.date, label: str) -> ibis.Table:
    from streaming_assets.models.churn.snapshot import outcomes

    return outcomes(
        cutoff,
        as_of=reporting_day(lake),
        label=label,
        user_daily=lake.read("core/user_daily", days_before(lake, cutoff)),
        users=lake.read("core/users"),
        calendar=lake.read("core/calendar"),
    )


def _return_rate(lake: Lake) -> ibis.Table:
    from streaming_assets.models.churn.return_rate import return_rate

    as_of = reporting_day(lake)
    return return_rate(lake.read("core/user_daily", Days(dt.date.min, as_of)), as_of)


TRAINED = Trained(TRAINING, _train)
REFRESHED = (
    Refreshed(
        contract.churn_scores,
        _churn_scores,
        (SNAPSHOTS.name, CHAMPION.name, "core/user_content_daily", "core/content", "core/users", "core/calendar"),
    ),
    Refreshed(contract.churn_summary, _churn_summary, (contract.churn_scores.name,)),
    Refreshed(contract.churn_reasons, _churn_reasons, (SNAPSHOTS.name, CHAMPION.name, "core/users", "core/calendar")),
    Refreshed(contract.feature_drift, _feature_drift, (SNAPSHOTS.name, CHAMPION.name)),
    Refreshed(
        contract.realised_performance,
        _realised_performance,
        (contract.churn_scores.name, CHAMPION.name, "core/user_daily", "core/users", "core/calendar"),
    ),
    Refreshed(contract.return_rate, _return_rate, ("core/user_daily",)),
)
