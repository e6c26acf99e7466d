"""A YAML file that a person wrote: what is in it, where it stands, and what cannot be read."""

import datetime as dt

import pytest

from streaming_assets.yaml_file import Unreadable, YamlFileError, read_yaml


@pytest.fixture
def read(tmp_path):
    """Read a file with this content."""

    def read(content, **options):
        path = tmp_path / "ours.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_yaml(path, **options)

    return read


@pytest.fixture
def refusal(read, tmp_path):
    """What is said of this content, less the file's name."""

    def refusal(content, **options):
        with pytest.raises(YamlFileError) as refused:
            read(content, **options)
        return str(refused.value).removeprefix(f"{tmp_path / 'ours.yaml'}:")

    return refusal


def test_a_value_has_the_line_of_its_key_and_an_entry_that_of_its_beginning(read):
    content, lines = read("# shelf\n- title: Solaris\n  cast:\n\n    - Banionis\n    - Bondarchuk\n- title: Stalker\n")
    assert content == [{"title": "Solaris", "cast": ["Banionis", "Bondarchuk"]}, {"title": "Stalker"}]
    assert lines == {
        (): 2,
        ("0",): 2,
        ("0", "title"): 2,
        ("0", "cast"): 3,
        ("0", "cast", "0"): 5,
        ("0", "cast", "1"): 6,
        ("1",): 7,
        ("1", "title"): 7,
    }


@pytest.mark.parametrize("content", ["", "\n# nothing yet\n"])
def test_an_empty_file_has_no_content_and_a_first_line(read, content):
    assert read(content) == (None, {(): 1})


def test_lines_of_windows_and_a_byte_order_mark_make_no_difference(read):
    assert read(b"\xef\xbb\xbfa: 1\r\nb: \xc3\xa9\r\n") == ({"a": 1, "b": "é"}, {(): 1, ("a",): 1, ("b",): 2})


def test_a_key_is_named_as_it_is_understood(read):
    content, lines = read("on: a\n0x10: b\n2026-03-01: c\n~: d\n")
    assert content == {True: "a", 16: "b", dt.date(2026, 3, 1): "c", None: "d"}
    assert lines == {(): 1, ("True",): 1, ("16",): 2, ("2026-03-01",): 3, ("None",): 4}


def test_what_is_taken_over_stands_where_it_was_written_unless_it_is_said_anew(read):
    content, lines = read(
        "usual: &usual\n  plan: basic\n  country: DE\nours:\n  <<: *usual\n  country: SE\nagain: *usual\n"
    )
    assert content["ours"] == {"plan": "basic", "country": "SE"}
    assert content["again"] == {"plan": "basic", "country": "DE"}
    assert (lines[("ours", "plan")], lines[("ours", "country")]) == (2, 6)
    assert (lines[("again",)], lines[("again", "plan")]) == (7, 2)


def test_of_several_that_are_taken_over_the_first_has_the_last_word(read):
    content, lines = read("- &a {x: 1}\n- &b {x: 2, y: 2}\n- <<: [*a, *b]\n")
    assert content[2] == {"x": 1, "y": 2}
    assert (lines[("2", "x")], lines[("2", "y")]) == (1, 2)


def test_mappings_that_take_over_each_other_many_times_stay_small(read):
    doubling = "".join(f"- &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 60))
    content, lines = read("- &a0 {x: 1}\n" + doubling)
    assert content == [{"x": 1}] * 60
    assert len(lines) == 1 + 2 * 60


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-02-30", Unreadable("2026-02-30", "day is out of range for month")),
        ("2026-13-01", Unreadable("2026-13-01", "month must be in 1..12")),
        ("!!bool perhaps", Unreadable("perhaps", "'perhaps'")),
    ],
)
def test_what_looks_like_a_date_or_a_number_and_is_none_is_kept_as_such_or_refuses_the_file(
    read, refusal, value, expected
):
    yaml = f"- 1\n- {value}\n- 2\n"
    assert read(yaml)[0] == [1, expected, 2]
    assert refusal(yaml, keep_unreadable=False) == f"2: found '{expected.text}' ({expected.why}); expected YAML"


def test_a_date_that_does_not_exist_may_be_named_again(read):
    content, lines = read("- &day 2026-02-30\n- *day\n- {*day : 1}\n")
    wrong = Unreadable("2026-02-30", "day is out of range for month")
    assert content == [wrong, wrong, {wrong: 1}]
    assert ("2", str(wrong)) in lines


@pytest.mark.parametrize("number", ["1" * 5000, "0x" + "f" * 5000])
def test_a_number_too_long_to_write_down_is_no_number(read, number):
    ((found,), _) = read(f"- {number}\n")
    assert isinstance(found, Unreadable)
    assert len(str(found)) < 300


def test_what_cannot_be_read_is_shown_in_one_line_that_can_be_printed(read):
    ((found,), _) = read('- "\\ud800\\n"\n')
    assert isinstance(found, Unreadable)
    assert str(found).startswith("\\ud800\\n (")
    assert str(found).encode()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a: 1\nb: [1,\n", "3: expected a value, but found the end of the file; expected YAML"),
        ("a:\n  - 1\n b: 2\n", "3: expected the next entry, but found"),
        ("a: 1\n\tb: 2\n", "2: found a tab where only blanks may indent; expected YAML"),
        ("a: b: c\n", "1: mapping values are not allowed here; expected YAML"),
        ("a: 1\nb: 2\na: 3\n", "3: found the key 'a' twice, expected it once"),
        ("a: 1\n'a': 2\n", "2: found the key 'a' twice, expected it once"),
        ("a: 1\n? [b]\n: 2\n", "2: found a list or a mapping for a key; expected YAML"),
        ("a: *b\n", "1: found undefined alias 'b'; expected YAML"),
        ("a: 1\n---\nb: 2\n", "2: found another document; expected YAML"),
        ("a: 1\nb: !ours 2\n", "2: found the tag '!ours', which is not allowed; expected YAML"),
        ("a: 1\nb: !!python/name:os.system\n", "2: found the tag '!!python/name:os.system', which is not allowed"),
        ("a: 1\nb: &b [*b]\n", "2: found a value within itself, or too many levels, expected at most 10"),
        ("a: 1\n\nb: \0\n", "3: unacceptable character #x0000: special characters are not allowed; expected YAML"),
        (b"a: 1\nb: \xe9\n", "2: found bytes that are not UTF-8, expected YAML in UTF-8"),
        ("- " + "[" * 11 + "]" * 11, "1: found a value within itself, or too many levels, expected at most 10"),
        ("a: 1\nb: " + "[" * 5000, "2: found too many levels, expected at most 10"),
    ],
)
def test_what_is_no_yaml_is_named_with_its_line(refusal, content, expected):
    assert refusal(content)[: len(expected)] == expected


def test_ten_levels_are_read(read):
    assert read("[" * 10 + "]" * 10)[0] == [[[[[[[[[[]]]]]]]]]]


def test_aliases_of_aliases_that_would_fill_the_memory_are_refused(refusal):
    laughs = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
    assert refusal("a0: &a0 ha\n" + laughs).endswith("found more than 100,000 values, expected fewer")


def test_a_tag_does_not_run_what_it_names(refusal, tmp_path):
    witness = tmp_path / "witness"
    refusal(f"- !!python/object/apply:os.mkdir ['{witness}']\n")
    assert not witness.exists()


def test_what_is_no_file_cannot_be_opened(tmp_path):
    with pytest.raises(YamlFileError, match="1: cannot be opened: Is a directory; expected a YAML file"):
        read_yaml(tmp_path)
    with pytest.raises(YamlFileError, match="1: cannot be opened: No such file or directory"):
        read_yaml(tmp_path / "none.yaml")
