"""Settings: defaults, what each variable takes, and what is said of a value that cannot be used."""

import dataclasses
import datetime as dt
import os
from pathlib import Path

import pytest

from streaming_assets.build import build_definitions
from streaming_assets.settings import PREFIX, SettingError, Settings


def settings(**variables: str) -> Settings:
    """Settings of an environment that has these variables, named without their prefix, and others of no concern."""
    named = {f"{PREFIX}{name.upper()}": text for name, text in variables.items()}
    return Settings.from_env({"HOME": "/home/ann", "DAGSTER_HOME": "/elsewhere", **named})


def test_without_any_variable_it_runs_in_the_folder_data_in_utc():
    found = settings()
    assert found == Settings()
    assert {name: value for name, value in dataclasses.asdict(found).items() if name != "threads"} == {
        "data_dir": Path("data"),
        "landing": None,
        "timezone": "UTC",
        "start_date": dt.date(2005, 1, 1),
        "session_gap_minutes": 30,
        "max_watch_seconds": 43_200,
        "max_rejected_share": 0.10,
        "settle_seconds": 10,
        "engine": "duckdb",
        "spark_master": None,
        "memory_limit": "4GB",
        "email_key": None,
        "as_of": None,
        "retention_origin": "first_play",
        "churn_inactive_days": 28,
        "content_by_hour_days": 28,
        "genre_shift_share": 0.10,
        "engagement_plays": (20, 10, 5),
        "completion_pcts": (80, 60, 40),
        "lifecycle_days": (7, 30, 90),
        "train_every_days": 7,
        "ui_url": "http://localhost:3000",
        "alert_webhook": None,
        "alert_email_to": (),
        "alert_email_from": None,
        "alert_smtp": None,
        "alert_smtp_user": None,
        "alert_smtp_password": None,
    }
    assert found.threads == os.cpu_count()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("data_dir", "/srv/streaming", Path("/srv/streaming")),
        ("landing", "/srv/drop", Path("/srv/drop")),
        ("timezone", "Europe/Berlin", "Europe/Berlin"),
        ("start_date", "2020-02-29", dt.date(2020, 2, 29)),
        ("session_gap_minutes", "1", 1),
        ("session_gap_minutes", "720", 720),
        ("max_watch_seconds", "82800", 82_800),
        ("max_rejected_share", "0", 0.0),
        ("max_rejected_share", "1", 1.0),
        ("settle_seconds", "0", 0),
        ("engine", "duckdb", "duckdb"),
        ("engine", "spark, marts=duckdb", "spark,marts=duckdb"),
        ("spark_master", "spark://host:7077", "spark://host:7077"),
        ("memory_limit", "512MB", "512MB"),
        ("memory_limit", "1.5 GiB", "1.5 GiB"),
        ("threads", "2", 2),
        ("email_key", "sixteen letters!", "sixteen letters!"),
        ("as_of", "2026-03-01", dt.date(2026, 3, 1)),
        ("retention_origin", "signed_up", "signed_up"),
        ("churn_inactive_days", "14", 14),
        ("content_by_hour_days", "366", 366),
        ("genre_shift_share", "0.25", 0.25),
        ("engagement_plays", "50,20,2", (50, 20, 2)),
        ("completion_pcts", "90,50,10", (90, 50, 10)),
        ("lifecycle_days", "1,14,60", (1, 14, 60)),
        ("train_every_days", "14", 14),
        ("ui_url", "https://dagster.example.com/prod/", "https://dagster.example.com/prod"),
        ("alert_webhook", "https://hooks.slack.com/services/T0/B0/x", "https://hooks.slack.com/services/T0/B0/x"),
        ("alert_webhook", "http://[::1]:8065/hooks/", "http://[::1]:8065/hooks/"),
    ],
)
def test_a_variable_sets_its_field_and_no_other(name, text, value):
    assert settings(**{name: text}) == dataclasses.replace(Settings(), **{name: value})


def test_every_field_is_a_variable():
    assert {field.name for field in dataclasses.fields(Settings)} == {
        "data_dir", "landing", "timezone", "start_date", "session_gap_minutes", "max_watch_seconds", "max_rejected_share",
        "settle_seconds", "engine", "spark_master", "memory_limit", "threads", "email_key", "as_of", "retention_origin",
        "churn_inactive_days", "content_by_hour_days", "genre_shift_share", "engagement_plays", "completion_pcts",
        "lifecycle_days", "train_every_days", "ui_url", "alert_webhook", "alert_email_to", "alert_email_from",
        "alert_smtp", "alert_smtp_user", "alert_smtp_password",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("data_dir", "", "a folder"),
        ("landing", "", "a folder"),
        ("timezone", "Berlin", "the name of a time zone such as Europe/Berlin"),
        ("timezone", "", "the name of a time zone such as Europe/Berlin"),
        ("timezone", "../etc/passwd", "the name of a time zone such as Europe/Berlin"),
        ("timezone", "Europe", "the name of a time zone such as Europe/Berlin"),
        ("start_date", "01.02.2020", "a date from 1970-01-02 to 2100-01-01"),
        ("start_date", "0001-01-01", "a date from 1970-01-02 to 2100-01-01"),
        ("start_date", "2200-01-01", "a date from 1970-01-02 to 2100-01-01"),
        ("start_date", "2021-02-29", "a date from 1970-01-02 to 2100-01-01"),
        ("session_gap_minutes", "0", "whole minutes from 1 to 720"),
        ("session_gap_minutes", "721", "whole minutes from 1 to 720"),
        ("session_gap_minutes", "half an hour", "whole minutes from 1 to 720"),
        ("session_gap_minutes", "30.5", "whole minutes from 1 to 720"),
        ("max_watch_seconds", "0", "whole seconds from 1 to 82800"),
        ("max_watch_seconds", "82801", "whole seconds from 1 to 82800"),
        ("max_rejected_share", "10", "a share from 0 to 1"),
        ("max_rejected_share", "-0.1", "a share from 0 to 1"),
        ("max_rejected_share", "nan", "a share from 0 to 1"),
        ("max_rejected_share", "10 %", "a share from 0 to 1"),
        ("settle_seconds", "-1", "whole seconds from 0 to 86400"),
        ("engine", "postgres", "duckdb or spark, or an engine for some groups too such as spark,marts=duckdb"),
        ("engine", "spark,mart=duckdb", "duckdb or spark, or an engine for some groups too such as spark,marts=duckdb"),
        ("engine", "marts=duckdb", "duckdb or spark, or an engine for some groups too such as spark,marts=duckdb"),
        ("engine", "spark,marts", "duckdb or spark, or an engine for some groups too such as spark,marts=duckdb"),
        ("as_of", "yesterday", "a date from 1970-01-02 to 2100-01-01"),
        ("as_of", "0001-01-01", "a date from 1970-01-02 to 2100-01-01"),
        ("retention_origin", "signup", "first_play or signed_up"),
        ("churn_inactive_days", "0", "whole days from 1 to 3650"),
        ("content_by_hour_days", "367", "whole days from 1 to 366"),
        ("genre_shift_share", "10 %", "a share from 0 to 1"),
        ("engagement_plays", "20,10", "three falling whole numbers from 2 on such as 20,10,5"),
        ("engagement_plays", "5,10,20", "three falling whole numbers from 2 on such as 20,10,5"),
        ("engagement_plays", "20,10,1", "three falling whole numbers from 2 on such as 20,10,5"),
        ("completion_pcts", "101,60,40", "three falling whole numbers from 1 to 100 such as 80,60,40"),
        ("lifecycle_days", "90,30,7", "three rising whole numbers from 1 on such as 7,30,90"),
        ("train_every_days", "0", "whole days from 1 to 366"),
        ("ui_url", "localhost:3000", "an address such as http://localhost:3000"),
        ("ui_url", "http://[", "an address such as http://localhost:3000"),
        ("alert_email_to", "ann@example.com,", "addresses such as ann@example.com,ops@example.com"),
        ("alert_email_to", "ann", "addresses such as ann@example.com,ops@example.com"),
        *(
            ("alert_email_to", text, "addresses such as ann@example.com,ops@example.com")
            for text in ("a(b@c.d", "ops:team@example.com", "[x]@y", "a..b@c.d", ".a@c.d", "ann@x..org", "ann@-x.org")
        ),
        ("alert_email_from", f"{'a' * 65}@x.org", "an address such as streaming@example.com"),
        ("alert_email_from", f"ann@{'x' * 64}.org", "an address such as streaming@example.com"),
        ("alert_smtp", "mail..example.com:25", "host and port such as smtp.example.com:587"),
        ("alert_smtp", f"{'x' * 64}.org:25", "host and port such as smtp.example.com:587"),
        ("ui_url", "http://dagster..example.com", "an address such as http://localhost:3000"),
        ("alert_email_from", "a@b.org\nBcc: c@d.org", "an address such as streaming@example.com"),
        ("alert_smtp", "smtp.example.com", "host and port such as smtp.example.com:587"),
        ("alert_smtp", "smtp.example.com:0", "host and port such as smtp.example.com:587"),
        ("alert_smtp", "smtp://example.com:25", "host and port such as smtp.example.com:587"),
        ("alert_smtp_user", "", "a name in ASCII"),
        ("memory_limit", "4", "a size of 100MB or more, such as 4GB"),
        ("memory_limit", "much", "a size of 100MB or more, such as 4GB"),
        ("threads", "0", "a whole number from 1 to 1024"),
        ("threads", "", "a whole number from 1 to 1024"),
    ],
)
def test_a_wrong_value_is_refused_with_the_variable_what_was_found_and_what_is_expected(name, text, expected):
    with pytest.raises(SettingError) as refused:
        settings(**{name: text})
    assert str(refused.value) == f"{PREFIX}{name.upper()}: found {text!r}, expected {expected}"


def test_a_key_that_is_too_short_is_refused_without_being_shown():
    with pytest.raises(SettingError) as refused:
        settings(email_key="hunter2")
    assert "hunter2" not in str(refused.value)
    assert str(refused.value) == "STREAMING_ASSETS_EMAIL_KEY: found (hidden), expected at least 16 characters"
    assert "hunter2" not in str(refused.value.__cause__)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("alert_webhook", "hooks.slack.com/services/hunter2"),
        ("alert_webhook", "https://hooks.slack.com:hunter2/"),
        ("alert_webhook", "ftp://hunter2"),
        ("alert_webhook", "https://hooks..example.com/hunter2"),
        ("alert_webhook", f"https://{'x' * 64}.example.com/hunter2"),
        ("alert_smtp_password", "hunter2 ✓"),
    ],
)
def test_a_secret_of_alerts_that_cannot_be_used_is_refused_without_being_shown(name, text):
    with pytest.raises(SettingError) as refused:
        settings(**{name: text})
    assert str(refused.value).startswith(f"STREAMING_ASSETS_{name.upper()}: found (hidden), expected a")
    assert "hunter2" not in f"{refused.value} {refused.value.__cause__} {refused.value.__cause__.__context__}"


@pytest.mark.parametrize("text", ["root@localhost", "ann.o'hara+dag@mail.x-y.org", f"{'a' * 64}@{'x' * 63}.org"])
def test_a_mailbox_may_be_any_name_with_dots_at_any_domain(text):
    mail = {"alert_email_from": "dag@x.org", "alert_smtp": "smtp.x.org:25"}
    assert settings(**mail, alert_email_to=text).alert_email_to == (text,)


def test_what_mail_needs_is_given_together_or_not_at_all():
    mail = {"alert_email_to": "ann@x.org, bo@x.org", "alert_email_from": "dag@x.org", "alert_smtp": "[::1]:587"}
    found = settings(**mail, alert_smtp_user="dag", alert_smtp_password="hunter2")
    assert (found.alert_email_to, found.alert_smtp) == (("ann@x.org", "bo@x.org"), ("::1", 587))
    with pytest.raises(SettingError) as refused:
        settings(alert_email_to="ann@x.org", alert_smtp="smtp.x.org:25")
    assert str(refused.value) == (
        "STREAMING_ASSETS_ALERT_EMAIL_FROM: found nothing, expected a value beside "
        "STREAMING_ASSETS_ALERT_EMAIL_TO, STREAMING_ASSETS_ALERT_SMTP"
    )
    with pytest.raises(SettingError, match=r"ALERT_SMTP_USER: found nothing, expected a value beside .*PASSWORD$"):
        settings(**mail, alert_smtp_password="hunter2")


def test_secrets_of_alerts_are_not_shown_where_settings_are_printed():
    found = Settings(alert_webhook="https://x.org/hunter2", alert_smtp_password="hunter2")
    assert "hunter2" not in repr(found)


def test_the_key_is_not_shown_where_settings_are_printed():
    found = settings(email_key="a secret of the house")
    assert "a secret of the house" not in repr(found)
    assert "a secret of the house" not in str(found.shaping)


def test_a_variable_with_our_prefix_that_is_no_setting_is_refused_with_those_that_are():
    with pytest.raises(SettingError) as refused:
        Settings.from_env({"STREAMING_ASSETS_TIME_ZONE": "UTC"})
    assert str(refused.value).startswith("STREAMING_ASSETS_TIME_ZONE is not a setting; the settings are")
    for field in dataclasses.fields(Settings):
        assert f"{PREFIX}{field.name.upper()}" in str(refused.value)


def test_what_the_caller_names_wins_over_the_environment_and_what_it_leaves_open_does_not():
    environment = {f"{PREFIX}DATA_DIR": "/srv/a", f"{PREFIX}LANDING": "/srv/b"}
    found = Settings.from_env(environment, data_dir=Path("/srv/c"), landing=None)
    assert (found.data_dir, found.landing) == (Path("/srv/c"), Path("/srv/b"))


def test_everything_lies_in_the_data_folder_but_for_a_landing_folder_of_its_own():
    found = settings(data_dir="/srv/streaming")
    assert [found.lake_dir, found.landing_dir, found.sources_dir, found.database, found.dagster_home] == [
        Path("/srv/streaming", name) for name in ("lake", "landing", "sources", "streaming.duckdb", "dagster")
    ]
    assert settings(data_dir="/srv/streaming", landing="/srv/drop").landing_dir == Path("/srv/drop")


def test_a_tilde_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    assert settings(data_dir="~/streaming").data_dir == Path("/home/ann/streaming")


def test_the_settings_that_shape_tables_are_those_that_change_what_is_in_them():
    shaped = settings(
        timezone="Asia/Kolkata", start_date="2020-01-01", session_gap_minutes="45", max_watch_seconds="3600"
    )
    assert shaped.shaping == {
        "timezone": "Asia/Kolkata", "start_date": "2020-01-01", "session_gap_minutes": "45", "max_watch_seconds": "3600",
    }  # fmt: skip
    assert settings(threads="1", memory_limit="1GB", data_dir="/elsewhere").shaping == Settings().shaping


def test_a_start_date_in_the_future_is_refused_before_a_lake_is_made(tmp_path):
    chosen = Settings(data_dir=tmp_path / "data", start_date=dt.date(2027, 6, 1))
    with pytest.raises(SettingError, match=r"STREAMING_ASSETS_START_DATE: found '2027-06-01', .* not in the future"):
        build_definitions(chosen, clock=lambda: dt.datetime(2027, 5, 30, 23, 59))
    assert not chosen.data_dir.exists()
    build_definitions(chosen, clock=lambda: dt.datetime(2027, 5, 31))


def test_an_engine_is_named_for_all_groups_and_for_some_another():
    found = settings(engine="spark,marts=duckdb,models=duckdb")
    assert {group: found.engine_of(group) for group in ("raw", "core", "marts", "experiments", "models")} == {
        "raw": "spark",
        "core": "spark",
        "marts": "duckdb",
        "experiments": "spark",
        "models": "duckdb",
    }
