import ibis
import pytest

from streaming_assets import contracts
from streaming_assets.contracts import Column, Table

ID = Column("id", "string", "the thing")
DAY = Column("day", "date", "its day")


def table(**other: object) -> Table:
    return Table(
        **({"name": "core/things", "grain": "a thing", "key": ("id",), "columns": (ID, DAY), "source": "x"} | other)
    )


def test_a_type_that_no_engine_agrees_on_is_refused():
    with pytest.raises(ValueError, match="column n: type 'int32', expected one of"):
        Column("n", "int32", "a number")


@pytest.mark.parametrize("other", [{"key": ("nothing",)}, {"partition_by": ("nothing",)}, {"columns": (ID, ID)}])
def test_a_table_names_only_columns_that_it_has_once(other: dict[str, object]):
    with pytest.raises(ValueError, match="table core/things"):
        table(**other)


def test_the_day_is_the_first_partition():
    with pytest.raises(ValueError, match="day_column"):
        table(day_column="day")
    assert table(day_column="day", partition_by=("day", "id")).day_column == "day"


def test_the_schema_has_timestamps_with_microseconds_and_without_zone():
    found = table(columns=(ID, Column("at", "timestamp", "when"), Column("days", "array<date>", "days"))).schema
    assert found == ibis.schema({"id": "string", "at": "timestamp(6)", "days": "array<date>"})


def test_the_description_says_grain_key_source_and_caveats():
    assert table(caveats="Beware.").description == "**a thing**\n\nKey: id.\n\nMade from x.\n\nBeware."


@pytest.mark.parametrize("contract", contracts.ALL.values(), ids=lambda contract: contract.name)
class TestEveryContract:
    def test_refers_to_columns_that_exist(self, contract: Table):
        for column in contract.columns:
            if column.refers_to is not None:
                referred = contracts.ALL[column.refers_to.table]
                assert referred.column(column.refers_to.column).type == column.type

    def test_has_days_that_are_known(self, contract: Table):
        if contract.day_column is not None:
            assert contract.column(contract.day_column).not_null
            assert contract.column(contract.day_column).type == "date"

    def test_bounds_numbers_and_lists_texts(self, contract: Table):
        for column in contract.columns:
            if column.at_least is not None or column.at_most is not None:
                assert column.type in ("int64", "float64")
            if column.one_of is not None:
                assert column.type == "string"
