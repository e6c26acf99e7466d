from streaming_assets.sources import load_sources

MINE = """\
name: mine
table: events
claims: {files: ["*.csv"], columns: [[user_id, started_at, content_id]]}
select: {user_id: "'mine:' || user_id", started_at: started_at, content_id: content_id}
"""
EVENTS = "user_id,started_at,content_id\nann,2024-05-01T10:00:00Z,c1\n"


def test_events_users_and_content_are_told_apart_by_their_columns(landing):
    landing.drop("a.csv", EVENTS)
    landing.drop("b.csv", "user_id,plan\nann,free\n")
    landing.drop("c.csv", "user_id,signed_up_at,age\nann,2024-01-01,30\n")
    landing.drop("d.csv", "content_id,genre\nc1,drama\n")
    landing.drop("e.tsv", "content_id\ttitle\nc1\tHome\n")
    assert [result.file.source for result in landing.read_all().values()] == [
        "canonical_events",
        "canonical_users",
        "canonical_users",
        "canonical_content",
        "canonical_content",
    ]


def test_the_users_own_source_is_asked_before_the_shipped_ones(landing):
    landing.define("mine.yaml", MINE)
    result = landing.read_one("a.csv", EVENTS)
    assert result.file.source == "mine"
    assert result.rows("user_id") == ["mine:ann"]


def test_a_source_claims_only_where_name_and_columns_both_fit(landing):
    landing.define("mine.yaml", MINE)
    assert landing.read_one("a.tsv", EVENTS.replace(",", "\t")).file.source == "canonical_events"
    assert landing.read_one("b.csv", "user_id,plan\nann,free\n").file.source == "canonical_users"


def test_an_unclaimed_file_names_the_nearest_source_what_it_misses_and_what_is_there(landing):
    result = landing.read_one("a.csv", "user_id,startedat,content_id\nann,2024-05-01,c1\n")
    assert result.file.status == "unclaimed"
    assert result.file.source is None
    assert result.file.error == (
        "no source claims it; the nearest, canonical_events, misses the columns started_at; "
        "found user_id, startedat, content_id"
    )


def test_loaded_files_are_read_with_their_source_and_others_with_all_of_them(landing):
    sources = load_sources(landing.sources)
    assert landing.read_one("a.csv", EVENTS).file.read_with == sources.named("canonical_events").fingerprint
    assert landing.read_one("b.csv", "x,y\n1,2\n").file.read_with == sources.fingerprint


def test_an_expression_that_does_not_fit_the_file_fails_it_with_the_line_and_the_columns(landing):
    path = landing.define("mine.yaml", MINE.replace("started_at: started_at", "started_at: begun_at"))
    other = landing.read_one("b.csv", "user_id,plan\nann,free\n")
    result = landing.read_one("a.csv", EVENTS)
    assert (result.file.status, result.file.source) == ("failed", "mine")
    assert result.file.error.startswith(f"{path}:4: started_at: 'begun_at' does not fit the file: Binder Error")
    assert result.file.error.endswith("the file has the columns user_id, started_at, content_id")
    assert other.file.status == "loaded"


def test_a_query_that_yields_an_unknown_column_fails_the_file(landing):
    landing.define(
        "mine.yaml",
        'name: mine\ntable: events\nclaims: {files: ["*.csv"]}\nquery: SELECT user_id, started_at, 1 AS watched FROM file\n',
    )
    assert (
        "mine.yaml:4: the query yields 'watched', expected of user_id" in landing.read_one("a.csv", EVENTS).file.error
    )


def test_a_column_named_with_other_characters_than_letters_can_be_claimed_and_selected(landing):
    landing.define(
        "mine.yaml",
        'name: mine\ntable: users\nclaims: {columns: [["Wer \'s \\" ist"]]}\nselect: {user_id: \'"Wer \'\'s "" ist"\'}\n',
    )
    result = landing.read_one("a.csv", '"Wer \'s "" ist",b\nann,1\n')
    assert result.rows("user_id") == ["ann"]
