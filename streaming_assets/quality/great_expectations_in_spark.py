"""Great Expectations over data frames of the Spark session that is already there. Importing this takes seconds."""

from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame

from streaming_assets.quality.expectations import Evaluation, Rule
from streaming_assets.quality.suite import context_in_memory, judged


def evaluated(rules: Sequence[Rule], rows: DataFrame, referred: Mapping[str, DataFrame]) -> list[Evaluation]:
    """One evaluation per rule, in their order. referred: by view name, what the queries of rules refer to.

    Raises EvaluationError naming the rules that could not be evaluated, and why.
    """
    for name, frame in referred.items():
        frame.createOrReplaceTempView(_quoted(name))
    context = context_in_memory()
    # Great Expectations must take the session as it is, not one with its own options.
    source = context.data_sources.add_spark("spark", persist=False)
    batch = (
        source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all").get_batch({"dataframe": rows})
    )
    try:
        return judged(batch, [rule.with_hash("xxhash64") for rule in rules])
    finally:
        for name in referred:
            rows.sparkSession.catalog.dropTempView(name)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
