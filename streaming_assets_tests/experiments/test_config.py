"""What an owner may write in experiments.yaml, and what is said when it cannot be used."""

import datetime as dt
import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming_assets.experiments.config import parse_experiments
from streaming_assets.lake.studies import load_experiments

START, END = dt.date(2026, 9, 1), dt.date(2026, 10, 31)
ARMS = "{salt: discovery_v2, variants: {control: 50, treatment: 50}}"
MINIMAL = f"""\
- id: discovery_v2
  start: 2026-09-01
  end: 2026-10-31
  assignment: {ARMS}
  primary: session_minutes
"""
OTHER = MINIMAL.replace("discovery_v2", "other")

KEYS = (
    "one of id, name, hypothesis, kind, start, end, population, exposure, assignment, analysis, primary, guardrails, "
    "secondary, alpha, guardrail_alpha, min_lift, rollout, planned_units, winsorise"
)
METRICS = (
    "one of session_minutes, skip_rate, sessions_per_user, plays_per_user, watch_hours, creator_diversity, "
    "genre_diversity, d1_retention, d7_retention, d30_retention, sessions_in_first_7_days"
)
MEANS = (
    "a mean per unit, one of sessions_per_user, plays_per_user, watch_hours, creator_diversity, genre_diversity, "
    "sessions_in_first_7_days"
)
NO_FILTER = (
    "; units cannot be chosen by what they do after exposure, since the treatment changes who does it and the arms "
    "would no longer be comparable; min_pre_sessions chooses by what they did before"
)
NAME = "a name of lower-case letters, digits and _ that begins with a letter, at most 63 characters"
ID = f"{NAME}, other than plan"
DATE = "a date from 1970-01-02 to 2100-01-01, such as 2026-09-01, without quotes and without a time"
WEIGHT = "a weight above 0 and at most 1,000,000"
TWO_ARMS = "control and at least one variant more with their weights, such as {control: 50, treatment: 50}"
SALT = "a salt, from which the variants are drawn, or exposure: logged, whose events tell each user's variant"
ONE_ROLE = "a metric without another role; primary, guardrails and secondary name each one once"
ALPHA = "a number from 0.000001 to below 0.5, such as 0.05"
MARGIN = "a number from 0.0001 to 1, such as 0.02 where 2 % worse is allowed"
TEXT = "a text, in quotes where YAML would take it for something else, such as 'no', '10' or '2026-09-01'"
ENTRY = "an experiment: a mapping that begins with its id"

PYDANTIC = (
    "Input should", "should match", "Value error", "valid ", "Field required", "Extra inputs", "not permitted", "tuple", "('",
    "PydanticCustom", "NaN", "finite",
)  # fmt: skip


@pytest.fixture
def load(tmp_path):
    """Load experiments.yaml with this content."""

    def load(content):
        path = tmp_path / "experiments.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_experiments(path)

    return load


@pytest.fixture
def errors(load, tmp_path):
    """What is wrong with this content, less the file's name."""

    def errors(content):
        prefix = f"{tmp_path / 'experiments.yaml'}:"
        found = load(content).errors
        assert all(error.startswith(prefix) for error in found)
        return [error.removeprefix(prefix) for error in found]

    return errors


def with_line(*lines):
    """The minimal experiment with these lines at its end, the first of which is line 6."""
    return MINIMAL + "".join(f"  {line}\n" for line in lines)


def with_arms(variants, beside=""):
    return MINIMAL.replace(ARMS, f"{{salt: s, variants: {variants}}}{beside}")


def without(key):
    return "".join(line for line in MINIMAL.splitlines(keepends=True) if not line.strip().startswith(f"{key}:"))


# What arrives


def test_everything_that_the_owner_writes_arrives(load):
    (found,) = load("""\
- id: discovery_v2
  name: Enhanced discovery
  hypothesis: Fresher rows bring longer evenings
  kind: ab                   # ab | aa
  start: 2026-09-01
  end: 2026-10-31            # planned; inclusive
  population: {plan: [basic, premium], country: null, signed_up: {from: null, to: null}, min_pre_sessions: 0}
  exposure: first_play
  assignment: {salt: discovery_v2, variants: {control: 50, treatment: 50}}
  analysis: fixed
  primary: session_minutes
  guardrails: {skip_rate: 0.02, sessions_per_user: 0.02, d1_retention: 0.05, creator_diversity: 0.05}
  secondary: [watch_hours]
  alpha: 0.05
  guardrail_alpha: 0.10
  min_lift: 0.02
  rollout: {population: 1000000, value_per_session: null}
""").valid
    assert found.model_dump(by_alias=True) == {
        "id": "discovery_v2",
        "name": "Enhanced discovery",
        "hypothesis": "Fresher rows bring longer evenings",
        "kind": "ab",
        "start": START,
        "end": END,
        "population": {
            "plan": ["basic", "premium"],
            "country": None,
            "signed_up": {"from": None, "to": None},
            "min_pre_sessions": 0,
        },
        "exposure": "first_play",
        "assignment": {"salt": "discovery_v2", "variants": {"control": 50.0, "treatment": 50.0}},
        "analysis": "fixed",
        "primary": "session_minutes",
        "guardrails": {"skip_rate": 0.02, "sessions_per_user": 0.02, "d1_retention": 0.05, "creator_diversity": 0.05},
        "secondary": ["watch_hours"],
        "alpha": 0.05,
        "guardrail_alpha": 0.1,
        "min_lift": 0.02,
        "rollout": {"population": 1_000_000, "value_per_session": None},
        "planned_units": None,
        "winsorise": [],
    }


def test_what_may_be_left_out_is_as_usual(load):
    (found,) = load(MINIMAL).valid
    assert (found.kind, found.exposure, found.analysis) == ("ab", "first_play", "fixed")
    assert (found.alpha, found.guardrail_alpha, found.min_lift) == (0.05, 0.10, 0.0)
    assert (found.name, found.guardrails, found.secondary, found.winsorise) == ("", {}, [], [])
    assert (found.population.plan, found.population.country, found.population.min_pre_sessions) == (None, None, 0)
    assert (found.rollout.population, found.rollout.value_per_session) == (0, None)


def test_rarer_keys_arrive_too(load):
    (found,) = load(
        with_line(
            "kind: aa",
            "analysis: sequential",
            "exposure: signup",
            "population: {country: [DE, 'NO'], signed_up: {from: 2026-01-01, to: 2026-01-01}, min_pre_sessions: 3}",
            "rollout: {population: 500, value_per_session: -0.05}",
            "planned_units: 20000",
            "winsorise: [watch_hours]",
        )
    ).valid
    assert (found.kind, found.analysis, found.exposure) == ("aa", "sequential", "signup")
    assert found.population.country == ["DE", "NO"]
    assert found.population.signed_up.first == found.population.signed_up.last == dt.date(2026, 1, 1)
    assert found.population.min_pre_sessions == 3
    assert (found.rollout.population, found.rollout.value_per_session) == (500, -0.05)
    assert (found.planned_units, found.winsorise) == (20_000, ["watch_hours"])


def test_variants_keep_the_order_of_the_file_and_their_weights(load):
    (found,) = load(with_arms("{zebra: 20, control: 50.5, apple: 29.5}")).valid
    assert list(found.variants.items()) == [("zebra", 20), ("control", 50.5), ("apple", 29.5)]
    assert found.treatments == ("zebra", "apple")


def test_an_experiment_of_one_day_is_one(load):
    (found,) = load(MINIMAL.replace("2026-10-31", "2026-09-01")).valid
    assert found.start == found.end == START


@pytest.mark.parametrize(
    "line",
    [
        "population: {plan: null, country: null, signed_up: {from: null, to: null}}",
        "alpha: 0.499",
        "min_lift: 0",
        "guardrails: {skip_rate: 1}",
        "rollout: {population: 0}",
        "planned_units: 1",
    ],
)
def test_the_borders_of_what_is_allowed_are_allowed(load, line):
    found = load(with_line(line))
    assert (len(found.valid), found.errors) == (1, ())


@pytest.mark.parametrize(
    ("first", "last"), [("1970-01-02", "1970-01-02"), ("2100-01-01", "2100-01-01"), ("1970-01-02", "2100-01-01")]
)
def test_the_days_of_the_calendar_may_all_be_named(load, first, last):
    (found,) = load(MINIMAL.replace("2026-09-01", first).replace("2026-10-31", last)).valid
    assert (str(found.start), str(found.end)) == (first, last)


def test_the_word_logged_means_two_halves_whose_variant_the_events_tell(load):
    (found,) = load(MINIMAL.replace(ARMS, "logged") + "  exposure: logged\n").valid
    assert found.is_logged
    assert found.variants == {"control": 50, "treatment": 50}


def test_logged_variants_may_have_names_and_weights_of_their_own(load):
    (found,) = load(MINIMAL.replace(ARMS, "{variants: {control: 90, bold: 10}}") + "  exposure: logged\n").valid
    assert found.is_logged
    assert found.variants == {"control": 90, "bold": 10}


def test_logged_exposure_with_a_salt_takes_the_variant_from_the_hash(load):
    (found,) = load(with_line("exposure: logged")).valid
    assert not found.is_logged


def test_a_published_experiment_on_lastfm_listening_can_be_written_down(load):
    # exp_001 of a public pipeline over the Last.fm 1K log: no treatment was given, so it is a calibration.
    (found,) = load("""\
- id: exp_001
  name: Enhanced Discovery Algorithm
  kind: aa
  start: 2009-03-01
  end: 2009-04-30
  assignment: {salt: exp_001, variants: {control: 0.5, treatment: 0.5}}
  primary: session_minutes
  guardrails: {skip_rate: 0.05, sessions_per_user: 0.05, d1_retention: 0.05}
""").valid
    assert (found.id, found.name, found.kind) == ("exp_001", "Enhanced Discovery Algorithm", "aa")
    assert (found.start, found.end) == (dt.date(2009, 3, 1), dt.date(2009, 4, 30))
    assert found.variants == {"control": 0.5, "treatment": 0.5}
    assert [found.role(name) for name in ("session_minutes", "skip_rate", "sessions_per_user", "d1_retention")] == [
        "primary", "guardrail", "guardrail", "guardrail",
    ]  # fmt: skip
    assert found.role("watch_hours") == "other"


def test_an_anchor_says_once_what_several_experiments_share(load):
    found = load(f"""\
- &usual
  id: first
  start: 2026-09-01
  end: 2026-10-31
  population: &paying {{plan: [basic, premium]}}
  assignment: {ARMS}
  primary: session_minutes
- <<: *usual
  id: second
  primary: watch_hours
  secondary: [session_minutes]
- id: third
  start: 2026-09-01
  end: 2026-10-31
  population: *paying
  assignment: {ARMS}
  primary: skip_rate
""")
    assert found.errors == ()
    assert [(one.id, one.primary) for one in found.valid] == [
        ("first", "session_minutes"),
        ("second", "watch_hours"),
        ("third", "skip_rate"),
    ]
    assert all(one.population.plan == ["basic", "premium"] for one in found.valid)


# What is refused, and how that is said


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        # Keys
        (with_line("colour: red"), f"6: discovery_v2.colour: found the key 'colour', expected {KEYS}"),
        (with_line("5: red"), f"6: discovery_v2.5: found the key 5, expected {KEYS}"),
        (with_line("yes: red"), f"6: discovery_v2.True: found the key true, expected {KEYS}"),
        (with_line("'[key]': red"), f"6: discovery_v2.'[key]': found the key '[key]', expected {KEYS}"),
        (with_line("where: x > 3"), f"6: discovery_v2.where: found the key 'where', expected {KEYS}{NO_FILTER}"),
        (
            with_line("population:", "  min_sessions: 3"),
            "7: discovery_v2.population.min_sessions: found the key 'min_sessions', "
            f"expected one of plan, country, signed_up, min_pre_sessions{NO_FILTER}",
        ),
        (
            with_line("population: {sessions: {at_least: 3}}"),
            "6: discovery_v2.population.sessions: found the key 'sessions', "
            f"expected one of plan, country, signed_up, min_pre_sessions{NO_FILTER}",
        ),
        (
            with_line("population:", "  signed_up:", "    since: 2026-01-01"),
            "8: discovery_v2.population.signed_up.since: found the key 'since', expected one of from, to",
        ),
        (
            with_line("rollout: {users: 5}"),
            "6: discovery_v2.rollout.users: found the key 'users', expected one of population, value_per_session",
        ),
        (
            MINIMAL.replace("{salt: discovery_v2, ", "{seed: 5, salt: discovery_v2, "),
            "4: discovery_v2.assignment.seed: found the key 'seed', expected one of salt, variants",
        ),
        # Missing, in the line of the entry
        ("# ours\n" + without("start"), f"2: discovery_v2.start: found nothing, expected {DATE}"),
        (without("end"), f"1: discovery_v2.end: found nothing, expected {DATE}"),
        (without("primary"), f"1: discovery_v2.primary: found nothing, expected {METRICS}"),
        (
            without("assignment"),
            "1: discovery_v2.assignment: found nothing, expected a mapping of salt, variants, or the word logged",
        ),
        (MINIMAL.replace("- id: discovery_v2\n ", "-"), f"1: entry 1.id: found nothing, expected {ID}"),
        (
            MINIMAL.replace(ARMS, "\n    salt: s"),
            f"4: discovery_v2.assignment.variants: found nothing, expected {TWO_ARMS}",
        ),
        (MINIMAL.replace("start: 2026-09-01", "start:"), f"2: discovery_v2.start: found nothing, expected {DATE}"),
        # Ids
        (MINIMAL.replace("id: discovery_v2", "id: Discovery"), f"1: entry 1.id: found 'Discovery', expected {ID}"),
        (MINIMAL.replace("id: discovery_v2", "id: a/b"), f"1: entry 1.id: found 'a/b', expected {ID}"),
        (MINIMAL.replace("id: discovery_v2", "id: 2nd"), f"1: entry 1.id: found '2nd', expected {ID}"),
        (MINIMAL.replace("id: discovery_v2", 'id: "a\\n"'), f"1: entry 1.id: found 'a\\n', expected {ID}"),
        (MINIMAL.replace("id: discovery_v2", "id: größe"), f"1: entry 1.id: found 'größe', expected {ID}"),
        (MINIMAL.replace("id: discovery_v2", "id: ''"), f"1: entry 1.id: found '', expected {ID}"),
        (MINIMAL.replace("id: discovery_v2", f"id: {'a' * 64}"), f"1: entry 1.id: found '{'a' * 64}', expected {ID}"),
        (MINIMAL.replace("id: discovery_v2", "id: 17"), f"1: entry 1.id: found 17, expected {ID}"),
        (MINIMAL.replace("id: discovery_v2", "id: plan"), f"1: plan.id: found 'plan', expected {ID}"),
        # Metrics
        (
            MINIMAL.replace("session_minutes", "avg_session_duration"),
            f"5: discovery_v2.primary: found 'avg_session_duration', expected {METRICS}",
        ),
        (
            MINIMAL.replace("session_minutes", "[skip_rate]"),
            f"5: discovery_v2.primary: found ['skip_rate'], expected {METRICS}",
        ),
        (
            with_line("guardrails:", "  skip_rate: 0.02", "  churn: 0.02"),
            f"8: discovery_v2.guardrails.churn: found 'churn', expected {METRICS}",
        ),
        (
            with_line("secondary:", "  - watch_hours", "  - hours"),
            f"8: discovery_v2.secondary.1: found 'hours', expected {METRICS}",
        ),
        (with_line("winsorise: [minutes]"), f"6: discovery_v2.winsorise.0: found 'minutes', expected {MEANS}"),
        (with_line("winsorise: [skip_rate]"), f"6: discovery_v2.winsorise.0: found 'skip_rate', expected {MEANS}"),
        (
            with_line("winsorise: [watch_hours, d7_retention]"),
            f"6: discovery_v2.winsorise.1: found 'd7_retention', expected {MEANS}",
        ),
        (
            with_line("guardrails: [skip_rate]"),
            "6: discovery_v2.guardrails: found ['skip_rate'], "
            "expected metrics with how much worse they may become, such as {skip_rate: 0.02}",
        ),
        (
            with_line("guardrails:"),
            "6: discovery_v2.guardrails: found nothing, "
            "expected metrics with how much worse they may become, such as {skip_rate: 0.02}",
        ),
        (
            with_line("secondary: watch_hours"),
            "6: discovery_v2.secondary: found 'watch_hours', expected a list of metrics such as [watch_hours]",
        ),
        (
            with_line("secondary: {watch_hours: 0.1}"),
            "6: discovery_v2.secondary: found {watch_hours: 0.1}, expected a list of metrics such as [watch_hours]",
        ),
        # Roles
        (
            with_line("guardrails: {session_minutes: 0.02}"),
            f"6: discovery_v2.guardrails.session_minutes: found 'session_minutes', expected {ONE_ROLE}",
        ),
        (
            with_line("secondary:", "  - watch_hours", "  - session_minutes"),
            f"8: discovery_v2.secondary.1: found 'session_minutes', expected {ONE_ROLE}",
        ),
        (
            with_line("guardrails: {skip_rate: 0.02}", "secondary: [skip_rate]"),
            f"7: discovery_v2.secondary.0: found 'skip_rate', expected {ONE_ROLE}",
        ),
        (
            with_line("secondary:", "  - watch_hours", "  - watch_hours"),
            f"8: discovery_v2.secondary.1: found 'watch_hours', expected {ONE_ROLE}",
        ),
        # Arms
        (with_arms("{control: 0, b: 1}"), f"4: discovery_v2.assignment.variants.control: found 0, expected {WEIGHT}"),
        (with_arms("{control: 1, b: -1}"), f"4: discovery_v2.assignment.variants.b: found -1, expected {WEIGHT}"),
        (with_arms("{control: 1, b: .nan}"), f"4: discovery_v2.assignment.variants.b: found nan, expected {WEIGHT}"),
        (with_arms("{control: 1, b: .inf}"), f"4: discovery_v2.assignment.variants.b: found inf, expected {WEIGHT}"),
        (with_arms("{control: 1, b: half}"), f"4: discovery_v2.assignment.variants.b: found 'half', expected {WEIGHT}"),
        (with_arms("{control: 1, b: '50'}"), f"4: discovery_v2.assignment.variants.b: found '50', expected {WEIGHT}"),
        (with_arms("{control: 1, b: true}"), f"4: discovery_v2.assignment.variants.b: found true, expected {WEIGHT}"),
        (
            with_arms("{control: 1, b: null}"),
            f"4: discovery_v2.assignment.variants.b: found nothing, expected {WEIGHT}",
        ),
        (
            with_arms(f"{{control: 1, b: 1{'0' * 400}}}"),
            f"4: discovery_v2.assignment.variants.b: found 1{'0' * 78}…, expected {WEIGHT}",
        ),
        (
            with_arms("{control: 9999, b: 1}"),
            "4: discovery_v2.assignment.variants.b: found 1.0, expected a weight of at least 1/5,000 of all weights together",
        ),
        (
            with_arms("{control: 100}"),
            f"4: discovery_v2.assignment.variants: found {{control: 100}}, expected {TWO_ARMS}",
        ),
        (
            with_arms("{a: 50, b: 50}"),
            f"4: discovery_v2.assignment.variants: found {{a: 50, b: 50}}, expected {TWO_ARMS}",
        ),
        (with_arms("{}"), f"4: discovery_v2.assignment.variants: found {{}}, expected {TWO_ARMS}"),
        (
            with_arms("[control, b]"),
            f"4: discovery_v2.assignment.variants: found ['control', 'b'], expected {TWO_ARMS}",
        ),
        (
            with_arms("{Control: 1, b: 1}"),
            f"4: discovery_v2.assignment.variants.Control: found 'Control', expected {NAME}",
        ),
        (
            MINIMAL.replace(ARMS, "\n    salt: s\n    variants:\n      control: 50\n      on: 50"),
            f"8: discovery_v2.assignment.variants.True: found true, expected {NAME}",
        ),
        (
            MINIMAL.replace(ARMS, "random"),
            "4: discovery_v2.assignment: found 'random', expected a mapping of salt, variants, or the word logged",
        ),
        (MINIMAL.replace(ARMS, "logged"), f"4: discovery_v2.assignment: found 'logged', expected {SALT}"),
        (
            MINIMAL.replace("salt: discovery_v2, ", ""),
            f"4: discovery_v2.assignment: found {{variants: {{control: 50, treatment: 50}}}}, expected {SALT}",
        ),
        (
            MINIMAL.replace("salt: discovery_v2", "salt: 17"),
            "4: discovery_v2.assignment.salt: found 17, expected a text such as the experiment's id, in quotes if it is a number",
        ),
        (
            MINIMAL.replace("salt: discovery_v2", "salt: ''"),
            "4: discovery_v2.assignment.salt: found '', expected a text such as the experiment's id, in quotes if it is a number",
        ),
        # Dates
        (
            MINIMAL.replace("2026-10-31", "2026-08-31"),
            "3: discovery_v2.end: found 2026-08-31, expected a date that is not before the start, 2026-09-01",
        ),
        (MINIMAL.replace("2026-09-01", "'2026-09-01'"), f"2: discovery_v2.start: found '2026-09-01', expected {DATE}"),
        (
            MINIMAL.replace("2026-10-31", "2026-10-31 23:59:59"),
            f"3: discovery_v2.end: found 2026-10-31 23:59:59, expected {DATE}",
        ),
        (MINIMAL.replace("2026-09-01", "20260901"), f"2: discovery_v2.start: found 20260901, expected {DATE}"),
        (MINIMAL.replace("2026-09-01", "1969-12-31"), f"2: discovery_v2.start: found 1969-12-31, expected {DATE}"),
        (MINIMAL.replace("2026-10-31", "2100-01-02"), f"3: discovery_v2.end: found 2100-01-02, expected {DATE}"),
        (
            MINIMAL.replace("2026-09-01", "2026-02-30"),
            f"2: discovery_v2.start: found 2026-02-30 (day is out of range for month), expected {DATE}",
        ),
        (
            with_line("population: {signed_up: {from: 2026-03-01, to: 2026-02-01}}"),
            "6: discovery_v2.population.signed_up.to: found 2026-02-01, expected a date that is not before from, 2026-03-01",
        ),
        (
            with_line("population:", "  signed_up:", "    from: last year"),
            f"8: discovery_v2.population.signed_up.from: found 'last year', expected {DATE}",
        ),
        # Numbers
        (with_line("alpha: 0"), f"6: discovery_v2.alpha: found 0, expected {ALPHA}"),
        (with_line("alpha: 0.5"), f"6: discovery_v2.alpha: found 0.5, expected {ALPHA}"),
        (with_line("alpha: 1"), f"6: discovery_v2.alpha: found 1, expected {ALPHA}"),
        (with_line("alpha: 5 %"), f"6: discovery_v2.alpha: found '5 %', expected {ALPHA}"),
        (with_line("alpha: .nan"), f"6: discovery_v2.alpha: found nan, expected {ALPHA}"),
        (with_line("alpha: yes"), f"6: discovery_v2.alpha: found true, expected {ALPHA}"),
        (with_line("guardrail_alpha: 0.5"), f"6: discovery_v2.guardrail_alpha: found 0.5, expected {ALPHA}"),
        (with_line("guardrails: {skip_rate: 0}"), f"6: discovery_v2.guardrails.skip_rate: found 0, expected {MARGIN}"),
        (
            with_line("guardrails: {skip_rate: -0.1}"),
            f"6: discovery_v2.guardrails.skip_rate: found -0.1, expected {MARGIN}",
        ),
        (
            with_line("guardrails: {skip_rate: 1.1}"),
            f"6: discovery_v2.guardrails.skip_rate: found 1.1, expected {MARGIN}",
        ),
        (
            with_line("guardrails: {skip_rate: 2%}"),
            f"6: discovery_v2.guardrails.skip_rate: found '2%', expected {MARGIN}",
        ),
        (
            with_line("min_lift: -0.01"),
            "6: discovery_v2.min_lift: found -0.01, expected 0, or a number from 0.0001 to 1, such as 0.02 for a lift of 2 %",
        ),
        (
            with_line("min_lift: 2"),
            "6: discovery_v2.min_lift: found 2, expected 0, or a number from 0.0001 to 1, such as 0.02 for a lift of 2 %",
        ),
        (
            with_line("min_lift: 1.0e-300"),
            "6: discovery_v2.min_lift: found 1e-300, expected 0, or a number from 0.0001 to 1, such as 0.02 for a lift of 2 %",
        ),
        (
            with_line("rollout: {population: -1}"),
            "6: discovery_v2.rollout.population: found -1, expected a whole number of users from 0 to 10,000,000,000",
        ),
        (
            with_line("rollout: {population: 1.5}"),
            "6: discovery_v2.rollout.population: found 1.5, expected a whole number of users from 0 to 10,000,000,000",
        ),
        (
            with_line("rollout: {value_per_session: .inf}"),
            "6: discovery_v2.rollout.value_per_session: found inf, "
            "expected a number from -1,000,000 to 1,000,000, such as 0.05",
        ),
        (
            with_line("planned_units: 0"),
            "6: discovery_v2.planned_units: found 0, expected a whole number of units from 1 to 10,000,000,000",
        ),
        (
            with_line("planned_units: true"),
            "6: discovery_v2.planned_units: found true, expected a whole number of units from 1 to 10,000,000,000",
        ),
        (
            with_line("population: {min_pre_sessions: -1}"),
            "6: discovery_v2.population.min_pre_sessions: found -1, expected a whole number from 0 to 1,000,000, such as 3",
        ),
        # Words
        (with_line("kind: abc"), "6: discovery_v2.kind: found 'abc', expected ab or aa"),
        (with_line("analysis: bayesian"), "6: discovery_v2.analysis: found 'bayesian', expected fixed or sequential"),
        (
            with_line("exposure: login"),
            "6: discovery_v2.exposure: found 'login', expected one of first_play, signup, logged",
        ),
        (with_line("name: 2026-09-01"), f"6: discovery_v2.name: found 2026-09-01, expected {TEXT}"),
        (with_line("hypothesis: [a, b]"), f"6: discovery_v2.hypothesis: found ['a', 'b'], expected {TEXT}"),
        # Population
        (
            with_line("population: premium"),
            "6: discovery_v2.population: found 'premium', "
            "expected a mapping of plan, country, signed_up, min_pre_sessions",
        ),
        (
            with_line("population: {plan: premium}"),
            "6: discovery_v2.population.plan: found 'premium', expected a list of plans such as [basic, premium]",
        ),
        (
            with_line("population: {plan: []}"),
            "6: discovery_v2.population.plan: found [], expected a list of plans such as [basic, premium]",
        ),
        (with_line("population: {plan: [basic, 7]}"), f"6: discovery_v2.population.plan.1: found 7, expected {TEXT}"),
        (
            with_line("population: {country: []}"),
            "6: discovery_v2.population.country: found [], expected a list of countries such as [DE, SE]",
        ),
        (
            with_line("population: {country: [NO]}"),
            f"6: discovery_v2.population.country.0: found false, expected {TEXT}",
        ),
        (
            with_line("population: {signed_up: 2026-01-01}"),
            "6: discovery_v2.population.signed_up: found 2026-01-01, expected a mapping of from, to",
        ),
        (
            with_line("rollout: 1000000"),
            "6: discovery_v2.rollout: found 1000000, expected a mapping of population, value_per_session",
        ),
        # Entries
        ("- discovery\n", f"1: entry 1: found 'discovery', expected {ENTRY}"),
        (MINIMAL + "-\n", f"6: entry 2: found nothing, expected {ENTRY}"),
        (MINIMAL + "- [id, other]\n", f"6: entry 2: found ['id', 'other'], expected {ENTRY}"),
        ("[[[[[[[[[[]]]]]]]]]]\n", f"1: entry 1: found [[[[[[[[[]]]]]]]]], expected {ENTRY}"),
        ("- !!set {a}\n", f"1: entry 1: found ['a'], expected {ENTRY}"),
        ("- !!binary aGVsbG8=\n", f"1: entry 1: found b'hello', expected {ENTRY}"),
        # Documents
        ("# ours\nid: a\n", "2: the document: found {id: 'a'}, expected a list of experiments"),
        ("discovery\n", "1: the document: found 'discovery', expected a list of experiments"),
    ],
)
def test_what_is_wrong_is_named_once_with_its_line_and_what_is_allowed(errors, content, expected):
    assert errors(content) == [expected]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (MINIMAL + "- id: [\n", "7: expected a value, but found the end of the file; expected YAML"),
        (MINIMAL + "    alpha: 0.1\n", "6: mapping values are not allowed here; expected YAML"),
        (MINIMAL + "\talpha: 0.1\n", "6: found a tab where only blanks may indent; expected YAML"),
        (MINIMAL + "  start: 2026-09-02\n", "6: found the key 'start' twice, expected it once"),
        (MINIMAL + "  name: *nobody\n", "6: found undefined alias 'nobody'; expected YAML"),
        (MINIMAL + "  alpha: &own [*own]\n", "6: found a value within itself, or too many levels, expected at most 10"),
        (MINIMAL + "---\n" + OTHER, "6: found another document; expected YAML"),
        (MINIMAL.encode() + b"  name: caf\xe9\n", "6: found bytes that are not UTF-8, expected YAML in UTF-8"),
        (MINIMAL.encode("utf-16"), "1: found bytes that are not UTF-8, expected YAML in UTF-8"),
    ],
)
def test_a_file_that_is_no_yaml_is_refused_as_a_whole_with_its_line(errors, content, expected):
    assert errors(content) == [expected]


def test_a_tag_that_would_run_something_is_refused_and_runs_nothing(errors, tmp_path):
    witness = tmp_path / "witness"
    tag = "!!python/object/apply:pathlib.Path.touch"
    (error,) = errors(f"{MINIMAL}  name: {tag} [!!python/object/apply:pathlib.Path ['{witness}']]\n")
    assert error.startswith("6: found the tag '!!python/object/apply:pathlib.Path")
    assert not witness.exists()


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    assert load_experiments(tmp_path).errors == (
        f"{tmp_path}:1: cannot be opened: Is a directory; expected a YAML file",
    )


@pytest.mark.parametrize("content", ["", "\n\n", "# none yet\n", "[]\n", "---\n", "null\n"])
def test_a_file_that_says_nothing_has_no_experiments_and_no_errors(load, content):
    found = load(content)
    assert (found.valid, found.errors) == ((), ())


def test_where_there_is_no_file_there_are_no_experiments(tmp_path):
    found = load_experiments(tmp_path / "experiments.yaml")
    assert (found.valid, found.errors) == ((), ())


# Several mistakes, several entries


def test_each_mistake_of_an_entry_has_its_error_in_the_order_of_the_file(errors):
    found = errors(
        with_line("colour: red", "alpha: 7").replace("2026-10-31", "2026-08-31").replace("session_minutes", "minutes")
    )
    assert [error.split(": found")[0] for error in found] == [
        "3: discovery_v2.end",
        "5: discovery_v2.primary",
        "6: discovery_v2.colour",
        "7: discovery_v2.alpha",
    ]


def test_a_mistake_inside_a_part_brings_no_second_error_about_the_whole(errors):
    # No control is left once the weight of control is refused, and no salt can be told from a broken assignment.
    found = errors(with_arms("{control: -1, treatment: 50}", "\n  exposure: login"))
    assert [error.split(": found")[0] for error in found] == [
        "4: discovery_v2.assignment.variants.control",
        "5: discovery_v2.exposure",
    ]


@pytest.mark.parametrize(
    ("content", "misspelled"),
    [
        (MINIMAL.replace("primary:", "primery:"), "5: discovery_v2.primery: found the key 'primery'"),
        (MINIMAL.replace("start:", "Start:"), "2: discovery_v2.Start: found the key 'Start'"),
        (MINIMAL.replace("variants:", "variant:"), "4: discovery_v2.assignment.variant: found the key 'variant'"),
    ],
)
def test_a_misspelled_key_is_not_missed_too(errors, content, misspelled):
    (error,) = errors(content)
    assert error.startswith(misspelled)


def test_a_key_is_missed_where_the_unknown_one_means_something_else_or_stands_elsewhere(errors):
    found = errors(without("primary") + "  colour: red\n  rollout: {primery: 1}\n")
    assert [error.split(": found")[0] for error in found] == [
        "1: discovery_v2.primary",
        "5: discovery_v2.colour",
        "6: discovery_v2.rollout.primery",
    ]


def test_a_bad_entry_leaves_the_good_ones_beside_it(load, errors):
    content = MINIMAL + "- id: broken\n  start: 2026-02-30\n- just a text\n" + OTHER
    assert [one.id for one in load(content).valid] == ["discovery_v2", "other"]
    assert [error.split(": found")[0] for error in errors(content)] == [
        "6: broken.end",
        "6: broken.assignment",
        "6: broken.primary",
        "7: broken.start",
        "8: entry 3",
    ]


def test_an_id_belongs_to_the_first_entry_that_has_it(load, errors):
    content = MINIMAL + MINIMAL.replace("session_minutes", "watch_hours") + OTHER
    assert [(one.id, one.primary) for one in load(content).valid] == [
        ("discovery_v2", "session_minutes"),
        ("other", "session_minutes"),
    ]
    assert errors(content) == ["6: discovery_v2.id: found 'discovery_v2', expected an id that line 1 has not"]


def test_an_id_that_a_broken_entry_has_is_not_free(load, errors):
    content = with_line("alpha: 7") + MINIMAL
    assert load(content).valid == ()
    assert errors(content)[1:] == ["7: discovery_v2.id: found 'discovery_v2', expected an id that line 1 has not"]


def test_a_mistake_that_is_taken_over_is_named_where_it_stands(errors):
    content = "- &usual\n" + MINIMAL.replace("- id", "  id").replace("session_minutes", "minutes")
    content += "- <<: *usual\n  id: second\n  alpha: 7\n"
    assert [error.split(", expected")[0] for error in errors(content)] == [
        "6: discovery_v2.primary: found 'minutes'",
        "6: second.primary: found 'minutes'",
        "9: second.alpha: found 7",
    ]


def test_what_was_found_is_shown_in_one_line_of_bearable_length(errors):
    (error,) = errors(with_line("kind: >", "  a very", "", "  " + "long " * 1000))
    assert error.splitlines() == [error]
    assert len(error) < 200


# Whatever is written

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0.02, 50, 10**400, -(2**63), 1e-300])
    | st.floats()
    | st.dates()
    | st.datetimes()
    | TEXTS
    | st.sampled_from(
        ["control", "treatment", "logged", "skip_rate", "watch_hours", "signup", "first_play", "ab", "[key]"]
    )
    | st.binary(max_size=3)
)
STRUCTURES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXTS | st.booleans() | st.integers() | st.dates() | st.none(), inner, max_size=3)
    ),
    max_leaves=8,
)
VARIANTS = st.dictionaries(
    st.sampled_from(["control", "treatment", "bold", "Bold", ""]),
    st.sampled_from([1, 50, 0.5, 0, -1, math.nan]) | LEAVES,
)
NAMES = st.sampled_from(["session_minutes", "skip_rate", "watch_hours", "d1_retention", "minutes"])
PLAUSIBLE = {
    "id": st.sampled_from(["a", "b", "plan", "A"]),
    "kind": st.sampled_from(["ab", "aa", "abc"]),
    "start": st.dates(dt.date(2026, 1, 1), dt.date(2026, 2, 1)),
    "end": st.dates(dt.date(2026, 1, 20), dt.date(2026, 3, 1)),
    "exposure": st.sampled_from(["first_play", "logged", "signup"]),
    "assignment": st.just("logged") | st.fixed_dictionaries({"variants": VARIANTS}, optional={"salt": TEXTS}),
    "primary": NAMES,
    "guardrails": st.dictionaries(NAMES, st.sampled_from([0.02, 0.5, 1, 0, 2])),
    "secondary": st.lists(NAMES, max_size=3),
    "winsorise": st.lists(NAMES, max_size=2),
    "alpha": st.floats(0, 0.6),
    "min_lift": st.floats(0, 1.5),
    "population": st.dictionaries(st.sampled_from(["plan", "country", "signed_up", "sessions", "[key]"]), STRUCTURES, max_size=2),
    "rollout": st.dictionaries(st.sampled_from(["population", "value_per_session"]), LEAVES),
    "planned_units": st.integers(0, 5),
}  # fmt: skip
GOOD = yaml.safe_load(MINIMAL)[0]


@st.composite
def entries(draw):
    """A good entry some of whose keys have other values, more or less plausible ones."""
    changed = draw(st.lists(st.sampled_from(sorted(PLAUSIBLE)), max_size=4, unique=True))
    return {**GOOD, **{key: draw(PLAUSIBLE[key] | STRUCTURES) for key in changed}}


def assert_can_be_computed(experiments):
    ids = [one.id for one in experiments]
    assert len(set(ids)) == len(ids)
    for one in experiments:
        assert dt.date(1970, 1, 2) <= one.start <= one.end <= dt.date(2100, 1, 1)
        assert "control" in one.variants
        assert one.treatments
        assert all(0 < weight < math.inf for weight in one.variants.values())
        named = [one.primary, *one.guardrails, *one.secondary]
        assert len(set(named)) == len(named)
        assert set(named) | set(one.winsorise) <= set(METRICS.removeprefix("one of ").split(", "))
        assert 0 < one.alpha < 0.5
        assert 0 < one.guardrail_alpha < 0.5
        assert all(0 < margin <= 1 for margin in one.guardrails.values())
        assert 0 <= one.min_lift <= 1
        assert one.is_logged <= (one.exposure == "logged")
        assert one.population.plan != []


def assert_a_person_can_read(errors, path):
    for error in errors:
        rest = error.removeprefix(f"{path}:")
        assert rest.split(":")[0].isdigit()
        assert ": found " in rest
        assert ", expected " in rest
        assert len(rest.splitlines()) == 1
        expected = rest.rsplit(", expected ", 1)[1]
        assert not any(jargon in expected for jargon in PYDANTIC)


@settings(max_examples=25, deadline=None)
@given(document=STRUCTURES | st.lists(STRUCTURES, max_size=3))
def test_no_structure_is_taken_for_what_it_is_not_or_breaks_the_reading(tmp_path_factory, document):
    path = tmp_path_factory.mktemp("any") / "experiments.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    found = load_experiments(path)
    assert found.valid == ()
    assert_a_person_can_read(found.errors, path)


@settings(max_examples=25, deadline=None)
@given(document=st.lists(entries(), min_size=1, max_size=4))
def test_whatever_an_owner_changes_is_refused_in_words_or_can_be_computed(tmp_path_factory, document):
    path = tmp_path_factory.mktemp("changed") / "experiments.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")
    found = load_experiments(path)
    assert_can_be_computed(found.valid)
    assert_a_person_can_read(found.errors, path)
    assert len(found.valid) + len(found.errors) >= len(document)


def test_a_document_is_parsed_without_a_file_too():
    lines = {(): 1, ("0",): 1, ("0", "id"): 1, ("0", "alpha"): 6}
    assert parse_experiments([GOOD], lines, "ours").valid[0].id == "discovery_v2"
    assert parse_experiments([{**GOOD, "alpha": 7}], lines, "ours").errors == (
        f"ours:6: discovery_v2.alpha: found 7, expected {ALPHA}",
    )
    assert parse_experiments(None, {(): 1}, "ours").errors == ()
