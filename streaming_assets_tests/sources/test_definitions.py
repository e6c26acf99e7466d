import pytest

from streaming_assets.sources import load_sources

MINIMAL = """\
name: mine
table: events
claims: {files: ["mine-*.csv"]}
select:
  user_id: who
  started_at: begun
"""


def only_error(folder):
    (error,) = load_sources(folder).errors
    return error.removeprefix(f"{folder}/")


def test_the_users_definitions_come_first_by_file_name_and_the_canonical_ones_last(landing):
    landing.define("b.yaml", MINIMAL.replace("mine", "second"))
    landing.define("a.yml", MINIMAL.replace("mine", "first"))
    names = [source.name for source in load_sources(landing.sources).sources]
    assert names[:2] == ["first", "second"]
    assert names[-3:] == ["canonical_events", "canonical_users", "canonical_content"]
    assert set(names[2:-3]) == {
        "lastfm_1k",
        "lastfm_1k_users",
        "live_sessions",
        "live_shows",
        "live_users",
        "netflix_viewing_activity",
        "show_streaming",
    }


def test_shipped_definitions_are_all_usable(tmp_path):
    assert load_sources(tmp_path / "no folder").errors == ()


def test_a_refused_definition_does_not_stop_the_others(landing):
    landing.define("bad.yaml", "name: [")
    landing.define("good.yaml", MINIMAL)
    sources = load_sources(landing.sources)
    assert len(sources.errors) == 1
    assert sources.sources[0].name == "mine"


def test_a_name_belongs_to_the_shipped_source_or_else_to_the_first_file_that_has_it(landing):
    first = landing.define("a.yaml", MINIMAL)
    second = landing.define("b.yaml", "# mine too\n" + MINIMAL)
    landing.define("c.yaml", MINIMAL.replace("name: mine", "name: live_shows"))
    sources = load_sources(landing.sources)
    assert [source.path for source in sources.sources if source.name == "mine"] == [first]
    assert sources.errors[0] == f"{second}:2: name: found mine, expected another name than that of {first}"
    assert "c.yaml:1: name: found live_shows, expected another name than that of" in sources.errors[1]
    names = [source.name for source in sources.sources]
    assert len(set(names)) == len(names)


def test_a_source_that_takes_a_shipped_name_does_not_stop_a_file_without_columns(landing):
    landing.define("m.yaml", MINIMAL.replace("name: mine", "name: canonical_events"))
    assert landing.read_one("empty.jsonl", "").file.status == "loaded"
    assert landing.read_one("nothing.jsonl", "{}\n").file.status == "failed"


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        (MINIMAL.replace("claims", "klaims"), "m.yaml:3: klaims: found the key 'klaims', expected one of name, table"),
        (
            MINIMAL.replace("table: events", "table: plays"),
            "m.yaml:2: table: found plays, expected one of events, users",
        ),
        (MINIMAL + "  watched: x\n", "m.yaml:7: select.watched: found the key 'watched', expected one of user_id"),
        (
            MINIMAL.replace("  started_at: begun\n", ""),
            "m.yaml:4: select: found no started_at, expected an expression for",
        ),
        (MINIMAL.replace("  user_id: who\n", ""), "m.yaml:4: select: found no user_id, expected an expression for"),
        (MINIMAL.replace("at: begun", "at: 'strptime(begun'"), "m.yaml:6: select.started_at: found 'strptime(begun'"),
        (MINIMAL + "  title: 'SELECT; DROP TABLE x'\n", "m.yaml:7: select.title: found"),
        (MINIMAL + "  user_id: again\n", "m.yaml:7: found the key 'user_id' twice, expected it once"),
        (MINIMAL + "reader: {header: false}\n", "m.yaml:7: reader: found header: false without columns"),
        (MINIMAL + "reader:\n  encoding: klingon\n", "m.yaml:8: reader.encoding: found klingon, expected an encoding"),
        (MINIMAL + "reader: {delimiter: '||'}\n", "m.yaml:7: reader.delimiter: found ||, expected one ASCII character"),
        (MINIMAL + "reader: {columns: {who: text}}\n", "m.yaml:7: reader.columns.who: found text, expected one of str"),
        (MINIMAL + "skip_under_seconds: -1\n", "m.yaml:7: skip_under_seconds: found -1, expected seconds above 0"),
        (MINIMAL + "assume_watch_seconds: {until: 3}\n", "m.yaml:7: assume_watch_seconds.until: found the key 'until'"),
        (MINIMAL + "query: SELECT 1\n", "m.yaml:7: query: found query beside select, expected one of the two"),
        (MINIMAL.replace("name: mine\n", ""), "m.yaml:1: name: found None, expected a text"),
        (
            MINIMAL.replace('{files: ["mine-*.csv"]}', "mine"),
            "m.yaml:3: claims: found mine, expected a mapping of files",
        ),
        (
            MINIMAL + "skip_under_seconds: 2026-13-45\n",
            "m.yaml:7: found '2026-13-45' (month must be in 1..12); expected YAML",
        ),
        (MINIMAL + "skip_under_seconds: !!bool perhaps\n", "m.yaml:7: found 'perhaps' ('perhaps'); expected YAML"),
        (MINIMAL + "skip_under_seconds: 1" + "0" * 400, "m.yaml:7: skip_under_seconds: found 1000"),
        (MINIMAL + "skip_under_seconds: 1" + "0" * 5000, "m.yaml:7: found '1000"),
        (MINIMAL.replace("name: mine", 'name: "\\ud800"'), "m.yaml:1: found '\\ud800' ('utf-8' codec can't encode"),
        (MINIMAL + "also: &a [*a]\n", "m.yaml:7: found a value within itself, or too many levels"),
        (MINIMAL + "also:\n  " + "[" * 5000, "m.yaml:8: found too many levels, expected at most 10"),
        (MINIMAL.replace("claims: {", "claims: {1: x, "), "m.yaml:3: claims.1: found the key 1, expected one of files"),
        (
            MINIMAL + "also:\n  - table: events\n",
            "m.yaml:8: also.0.table: found events twice, expected each table once",
        ),
        (MINIMAL + "reader:\n  encoding: rot13\n", "m.yaml:8: reader.encoding: found rot13, expected an encoding"),
        (MINIMAL + 'reader: {encoding: "\\0"}\n', "m.yaml:7: reader.encoding: found \0, expected an encoding"),
        (MINIMAL + "reader: {quote: null}\n", "m.yaml:7: reader.quote: found None, expected one ASCII character"),
        (MINIMAL + "reader: {quote: ','}\n", "m.yaml:7: reader.quote: found ,, expected another character than the"),
        (
            MINIMAL.replace("name: mine", "name: canonical_events"),
            "m.yaml:1: name: found canonical_events, expected an",
        ),
        ("", "m.yaml:1: the document: found None, expected a mapping of name"),
        ("name: x\n  bad: y", "m.yaml:2: mapping values are not allowed here; expected YAML"),
    ],
)
def test_what_is_wrong_with_a_definition_is_named_with_its_line(landing, yaml, expected):
    landing.define("m.yaml", yaml)
    assert only_error(landing.sources)[: len(expected)] == expected


def test_the_fingerprint_follows_the_content_and_not_the_layout_of_a_definition(landing):
    def fingerprints(yaml):
        landing.define("m.yaml", yaml)
        sources = load_sources(landing.sources)
        return sources.sources[0].fingerprint, sources.fingerprint

    as_written = fingerprints(MINIMAL)
    assert fingerprints("# a comment\n" + MINIMAL.replace("user_id: who", "user_id:   who")) == as_written
    changed = fingerprints(MINIMAL.replace("who", "whom"))
    assert changed[0] != as_written[0]
    assert changed[1] != as_written[1]
