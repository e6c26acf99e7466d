"""What the UI says of a mart, word for word where the words carry the meaning."""

import pytest

from streaming_assets.reporting import SHOWN, nothing_to_show
from streaming_assets_tests.reporting.service import early_behaviour, service
from streaming_assets_tests.reporting.situations import iso_week, mart, mondays

SERVICE = service()
SENTENCES = [
    (table.removeprefix("marts/"), sentence)
    for table, shown in SHOWN.items()
    if table.startswith("marts/")
    for sentence in shown.say
]
EACH_SENTENCE = pytest.mark.parametrize(("name", "sentence"), SENTENCES, ids=[said.name for _, said in SENTENCES])


def told(name: str, rows) -> str:
    (sentence,) = SHOWN[f"marts/{name}"].say
    return sentence.tell(sentence.reduce(mart(name, rows)).to_pandas())


def cells(markdown: str) -> list[list[str]]:
    """The rows of a Markdown table, its head and ruler left out."""
    return [line.strip("| ").split(" | ") for line in markdown.splitlines()[2:]]


@EACH_SENTENCE
def test_a_service_is_told_of(name, sentence):
    assert sentence.tell(sentence.reduce(mart(name, SERVICE[name])).to_pandas())


@EACH_SENTENCE
def test_nothing_unknown_is_told_as_a_number(name, sentence):
    text = sentence.tell(sentence.reduce(mart(name, SERVICE[name][:1])).to_pandas())
    assert "nan" not in text.lower()
    assert "None" not in text


@EACH_SENTENCE
def test_of_an_empty_mart_there_is_nothing_to_tell_but_why(name, sentence):
    assert sentence.reduce(mart(name)).to_pandas().empty
    assert nothing_to_show(f"marts/{name}").startswith("Nothing to ")


def test_a_mart_without_a_reason_of_its_own_has_no_plays():
    assert nothing_to_show("marts/platform_daily") == "Nothing to show: there are no plays up to T."


def test_retention_comes_with_numerator_denominator_and_interval():
    key = {"breakdown": "overall", "segment": "all", "mode": "exact"}
    d1 = {"n": 1, "n_eligible": 1_200, "n_retained": 300, "rate": 0.25, "rate_low": 0.2263, "rate_high": 0.2753}
    d7 = {"n": 7, "n_eligible": 10, "n_retained": 1, "rate": 0.1, "rate_low": 0.0179, "rate_high": 0.4042}
    rows = [{**key, **d7, "is_complete": False}, {**key, **d1}, {**key, **d1, "mode": "rolling"}, {**key, **d1, "n": 3}]
    assert told("retention", rows).splitlines() == [
        "- **D1: 25.0 %** (300 of 1,200 users played on day 1 after D0; 95 % interval 22.6 to 27.5 %)",
        "- **D7: 10.0 %** (1 of 10 users played on day 7 after D0; 95 % interval 1.8 to 40.4 %); "
        "for younger users it is not known yet",
    ]


def test_the_leading_titles_are_listed_with_their_movement():
    listed = cells(told("top_content_7d", SERVICE["top_content_7d"]))
    assert listed[0] == ["Night Shift", "1", "1,160", "1,000", "▲2"]
    assert [row[4] for row in listed] == ["▲2", "▼1", "new", "=", "▲5", "▼1", "▲1", "new", "▼2", "▲2"]


def test_a_title_that_nobody_names_goes_by_its_id():
    assert cells(told("top_content_7d", [{"content_id": "c_9", "rank": 1, "plays_7d": 2}]))[0][0] == r"c\_9"


def test_no_title_breaks_the_table_or_brings_a_link_or_a_picture():
    rows = [{"content_id": "c", "title": "a|b\n![x](http://x.example/y.png) <b>", "rank": 1, "plays_7d": 2}]
    (row,) = told("top_content_7d", rows).splitlines()[2:]
    assert row.startswith(r"| a\|b \!\[x\](http://x.example/y.png) \<b\> |")


def test_every_segment_is_listed_in_the_order_of_the_contract():
    listed = cells(told("segment_summary", reversed(SERVICE["segment_summary"])))
    assert len(listed) == 21
    assert [row[0] for row in listed[:5]] == [
        "engagement: heavy", "engagement: regular", "engagement: casual", "engagement: light", "completion: completionist",
    ]  # fmt: skip
    assert listed[0] == ["engagement: heavy", "60", "10.0 %", "6,000", "2,500.0", "64.2 %"]


def test_a_segment_of_which_no_completion_is_known_has_a_dash():
    listed = cells(told("segment_summary", SERVICE["segment_summary"]))
    assert {row[0]: row[5] for row in listed}["completion: unknown"] == "–"


def test_the_last_eight_weeks_are_listed_latest_first_and_the_open_one_is_marked():
    listed = cells(told("platform_weekly", SERVICE["platform_weekly"]))
    assert [row[0] for row in listed[:2]] == ["2026-W29 (not over)", "2026-W28"]
    assert len(listed) == 8
    assert listed[1][1:] == ["6,630", "428", "36", "2,018", "2,829.2", "71.3 %", "14.6"]


def test_a_week_without_plays_has_dashes_where_nothing_can_be_said():
    listed = cells(told("platform_weekly", [{**iso_week(mondays(1)[0]), "watch_hours": 0.0}]))
    assert listed == [["2026-W29", "0", "0", "0", "0", "0.0", "–", "–"]]


class TestEarlyBehaviour:
    def test_diversity_that_matters_is_told_as_an_association_with_its_interval(self):
        text = told("early_behaviour", early_behaviour((1.42, 1.2, 1.68)))
        assert (
            "**Diversity still matters after adjustment**: at equal sessions and plays, one more genre is associated with "
            "1.42 times the odds of a play on D7 (95 % interval 1.20 to 1.68)." in text
        )
        assert text.endswith("Associations, not proof of cause.")

    def test_the_difference_before_adjustment_is_between_the_most_and_the_fewest_genres(self):
        assert (
            "Of the users who explored 4+ genres in their first three days, 50.0 % played on D7, of those who explored 1 "
            "30.0 %: +20.0 points (95 % interval +10.0 to +30.0), not adjusted for how much they played."
            in told("early_behaviour", early_behaviour())
        )

    def test_the_shift_says_what_d7_would_be_and_how_sure_that_is(self):
        assert "D7 would be 38.71 % instead of 37.96 %: +0.75 points (95 % interval +0.35 to +1.15)." in told(
            "early_behaviour", early_behaviour()
        )

    def test_an_interval_that_includes_1_shows_nothing(self):
        text = told("early_behaviour", early_behaviour((1.1, 0.9, 1.34)))
        assert "**After adjustment, the data do not show that diversity matters**" in text
        assert "(95 % interval 0.90 to 1.34), which includes 1." in text

    def test_an_interval_below_1_is_told_as_such(self):
        assert "**After adjustment, diversity goes with fewer returns**" in told(
            "early_behaviour", early_behaviour((0.7, 0.5, 0.9))
        )

    @pytest.mark.parametrize(
        ("genres", "why"),
        [
            ({"unknown": (40, 12)}, "no genre is known of what users played in their first three days"),
            ({"2": (40, 12), "unknown": (3, 1)}, "all 40 users explored the same number of genres (2)"),
            ({"1": (40, 0), "2": (2, 0)}, "none of the 42 users played on D7"),
            ({"1": (40, 40), "2": (2, 2)}, "all 42 users played on D7"),
            (
                {"1": (3, 1), "2": (2, 1)},
                "the 5 users are too few or too alike to tell genres, sessions and plays apart",
            ),
        ],
    )
    def test_what_cannot_be_told_is_said_with_the_reason(self, genres, why):
        text = told("early_behaviour", early_behaviour(None, genres))
        assert f"**Whether diversity matters at equal sessions and plays cannot be told**: {why}." in text
        assert "D7 would be" not in text
        assert "nan" not in text

    def test_of_users_whose_d7_is_not_reached_there_is_nothing_to_tell(self):
        (sentence,) = SHOWN["marts/early_behaviour"].say
        assert sentence.reduce(mart("early_behaviour", early_behaviour(None, {"1": (0, 0)}))).to_pandas().empty
        assert nothing_to_show("marts/early_behaviour") == "Nothing to tell: of no user is D0 + 7 reached at T."
