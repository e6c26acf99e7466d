"""Great Expectations over data frames of the Spark session that is already there. Importing this takes seconds."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from pyspark.sql import DataFrame

from streaming_assets.lake.spark import quoted
from streaming_assets.quality.expectations import Evaluation, Rule
from streaming_assets.quality.suite import context_in_memory, judged


def evaluated(rules: Sequence[Rule], rows: DataFrame, referred: Mapping[str, DataFrame]) -> list[Evaluation]:
    """One evaluation per rule, in their order. referred: by view name, what the queries of rules refer to.

    Raises EvaluationError naming the rules that could not be evaluated, and why.
    """
    source = context_in_memory().data_sources.add_spark("spark", persist=False)
    asset = source.add_dataframe_asset("rows")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": rows})
    with _views(referred):
        return judged(batch, [rule.with_hash("xxhash64") for rule in rules])


@contextmanager
def _views(frames: Mapping[str, DataFrame]) -> Iterator[None]:
    try:
        for name, frame in frames.items():
            frame.createOrReplaceTempView(quoted(name))
        yield
    finally:
        for name, frame in frames.items():
            frame.sparkSession.catalog.dropTempView(name)
