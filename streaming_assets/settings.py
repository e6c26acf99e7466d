"""Typed settings; the only place that reads the environment."""

import dataclasses
import datetime as dt
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

PREFIX = "STREAMING_ASSETS_"
_BYTES = {"MB": 10**6, "GB": 10**9, "TB": 10**12, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAILBOX = re.compile(rf"(?=.{{1,64}}@.{{1,253}}$){_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})*")
"""RFC 5321, section 4.1.2, without quoted names and numbers for domains."""
_LEAST_MEMORY = 100 * 10**6
ENGINES = ("duckdb", "spark")
ENGINES_EXPECTED = "duckdb or spark, or an engine for some groups too such as spark,marts=duckdb"
COMPUTED = ("raw", "core", "marts", "experiments", "models")
"""Groups of tables that an engine makes."""
FIRST_DAY, LAST_DAY = dt.date(1970, 1, 2), dt.date(2100, 1, 1)
"""Between which days settings may name one: the calendar ends with the year 2100."""


class SettingError(ValueError):
    """A setting has a value that cannot be used; the message names it and what was expected."""


@dataclass(frozen=True)
class Settings:
    """Everything a deployment can choose. Each field is the environment variable STREAMING_ASSETS_<FIELD>.

    timezone, start_date, session_gap_minutes and max_watch_seconds shape the tables: they are written into the
    lake when it is created, and another value later is refused. Those from as_of to lifecycle_days shape the marts, which
    are made anew when one changes.
    """

    data_dir: Path = Path("data")
    landing: Path | None = None
    timezone: str = "UTC"
    start_date: dt.date = dt.date(2005, 1, 1)
    session_gap_minutes: int = 30
    max_watch_seconds: int = 43_200
    max_rejected_share: float = 0.10
    settle_seconds: int = 10
    engine: str = "duckdb"
    spark_master: str | None = None
    memory_limit: str = "4GB"
    threads: int = os.cpu_count() or 1
    email_key: str | None = dataclasses.field(default=None, repr=False)
    as_of: dt.date | None = None
    retention_origin: str = "first_play"
    churn_inactive_days: int = 28
    content_by_hour_days: int = 28
    genre_shift_share: float = 0.10
    engagement_plays: tuple[int, ...] = (20, 10, 5)
    completion_pcts: tuple[int, ...] = (80, 60, 40)
    lifecycle_days: tuple[int, ...] = (7, 30, 90)
    train_every_days: int = 7
    ui_url: str = "http://localhost:3000"
    alert_webhook: str | None = dataclasses.field(default=None, repr=False)
    alert_email_to: tuple[str, ...] = ()
    alert_email_from: str | None = None
    alert_smtp: tuple[str, int] | None = None
    alert_smtp_user: str | None = None
    alert_smtp_password: str | None = dataclasses.field(default=None, repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ, **overrides: object) -> "Settings":
        """Settings from STREAMING_ASSETS_… variables, then from overrides that are not None.

        Raises SettingError naming the variable, what was found and what is expected; a variable with the
        prefix that is no setting is refused too.
        """
        values: dict[str, object] = {}
        for variable, text in environ.items():
            if not variable.startswith(PREFIX):
                continue
            name = variable.removeprefix(PREFIX).lower()
            if name not in _PARSERS:
                known = ", ".join(PREFIX + known.upper() for known in _PARSERS)
                raise SettingError(f"{variable} is not a setting; the settings are {known}")
            parse, expected = _PARSERS[name]
            try:
                values[name] = parse(text)
            except (ValueError, OSError, ZoneInfoNotFoundError) as error:
                shown = "(hidden)" if name in _SECRETS else repr(text)
                raise SettingError(f"{variable}: found {shown}, expected {expected}") from error
        for together in _TOGETHER:
            missing = [PREFIX + name.upper() for name in together if not values.get(name)]
            if 0 < len(missing) < len(together):
                given = ", ".join(PREFIX + name.upper() for name in together if values.get(name))
                raise SettingError(f"{', '.join(missing)}: found nothing, expected a value beside {given}")
        values.update({name: value for name, value in overrides.items() if value is not None})
        return cls(**values)  # type: ignore[arg-type]

    @property
    def lake_dir(self) -> Path:
        return self.data_dir / "lake"

    @property
    def landing_dir(self) -> Path:
        return self.landing or self.data_dir / "landing"

    @property
    def sources_dir(self) -> Path:
        return self.data_dir / "sources"

    @property
    def experiments_file(self) -> Path:
        return self.data_dir / "experiments.yaml"

    @property
    def models_dir(self) -> Path:
        return self.data_dir / "models"

    @property
    def database(self) -> Path:
        return self.data_dir / "streaming.duckdb"

    @property
    def dagster_home(self) -> Path:
        return self.data_dir / "dagster"

    @property
    def alert_log(self) -> Path:
        return self.data_dir / "alerts.log"

    @property
    def alerts_dir(self) -> Path:
        return self.data_dir / "alerts"

    def engine_of(self, group: str) -> str:
        """The engine that makes and checks the tables of a group."""
        default, *others = self.engine.split(",")
        return dict(other.split("=") for other in others).get(group, default)

    @property
    def shaping(self) -> dict[str, str]:
        """The settings that the tables are a function of."""
        return {
            "timezone": self.timezone,
            "start_date": self.start_date.isoformat(),
            "session_gap_minutes": str(self.session_gap_minutes),
            "max_watch_seconds": str(self.max_watch_seconds),
        }


def rules_of(settings: Settings) -> dict[str, object]:
    """What transformations take from the settings, by the name of their parameter."""
    return {
        "gap_minutes": settings.session_gap_minutes,
        **{
            name: getattr(settings, name)
            for name in (
                "timezone",
                "start_date",
                "retention_origin",
                "churn_inactive_days",
                "content_by_hour_days",
                "genre_shift_share",
                "engagement_plays",
                "completion_pcts",
                "lifecycle_days",
            )
        },
    }


def _path(text: str) -> Path:
    if not text or "\0" in text:
        raise ValueError(text)
    return Path(text).expanduser()


def _zone(text: str) -> str:
    return ZoneInfo(text).key


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return parse


def _day(text: str) -> dt.date:
    value = dt.date.fromisoformat(text)
    if not FIRST_DAY <= value <= LAST_DAY:
        raise ValueError(text)
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value


def _one_of(*known: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in known:
            raise ValueError(text)
        return text

    return parse


def engines(text: str) -> str:
    """An engine, and those of groups that differ, as `Settings.engine` has it. Raises ValueError."""
    default, *others = (part.strip() for part in text.split(","))
    pairs = [other.split("=", 1) for other in others]
    if (
        default not in ENGINES
        or any(len(pair) < 2 or pair[0] not in COMPUTED or pair[1] not in ENGINES for pair in pairs)
        or len({pair[0] for pair in pairs}) < len(pairs)
    ):
        raise ValueError(text)
    return ",".join([default, *("=".join(pair) for pair in pairs)])


def java_folder() -> str | None:
    """Where Spark looks for the program java; None for PATH."""
    home = os.environ.get("JAVA_HOME")
    return str(Path(home, "bin")) if home else None


def _spark_master(text: str) -> str:
    if not re.fullmatch(r"local(\[(\d+|\*)(,\d+)?\])?|yarn|(spark|k8s)://\S+", text):
        raise ValueError(text)
    return text


def _borders(count: int, low: int, high: int, *, falling: bool) -> Callable[[str], tuple[int, ...]]:
    def parse(text: str) -> tuple[int, ...]:
        found = tuple(int(part) for part in text.split(","))
        if (
            len(found) != count
            or list(found) != sorted(set(found), reverse=falling)
            or not low <= min(found) <= max(found) <= high
        ):
            raise ValueError(text)
        return found

    return parse


def _memory(text: str) -> str:
    if not re.fullmatch(r"\d+(\.\d+)?\s?(MB|GB|TB|MiB|GiB|TiB)", text):
        raise ValueError(text)
    if bytes_of(text) < _LEAST_MEMORY:
        raise ValueError(text)
    return text


def bytes_of(size: str) -> int:
    """Bytes of a size such as 4GB or 512MiB."""
    number, unit = re.fullmatch(r"([\d.]+)\s?(\w+)", size).groups()  # type: ignore[union-attr]
    return int(float(number) * _BYTES[unit])


def _key(text: str) -> str:
    if len(text) < 16:
        raise ValueError
    return text


def _address(text: str) -> str:
    """A web address; what is wrong with it is not said, as it may be secret."""
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").encode("idna")
        is_address = parts.scheme in ("http", "https") and bool(host) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or not re.fullmatch(r"[!-~]+", text):
        raise ValueError
    return text


def _folder_address(text: str) -> str:
    """A web address that paths are appended to: without the slash at its end."""
    return _address(text).rstrip("/")


def _mailbox(text: str) -> str:
    if not _MAILBOX.fullmatch(text):
        raise ValueError(text)
    return text


def _mailboxes(text: str) -> tuple[str, ...]:
    return tuple(_mailbox(part.strip()) for part in text.split(","))


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not re.fullmatch(r"[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\]", host):
        raise ValueError(text)
    host.encode("idna")
    return host.strip("[]"), _whole(1, 65_535)(port)


def _text(text: str) -> str:
    if not re.fullmatch(r"[ -~]+", text):
        raise ValueError
    return text


_SECRETS = frozenset({"email_key", "alert_webhook", "alert_smtp_password"})
"""Never shown."""
_TOGETHER = (("alert_email_to", "alert_email_from", "alert_smtp"), ("alert_smtp_user", "alert_smtp_password"))
"""Settings of which all have a value, or none."""

_PARSERS: dict[str, tuple[Callable[[str], object], str]] = {
    "data_dir": (_path, "a folder"),
    "landing": (_path, "a folder"),
    "timezone": (_zone, "the name of a time zone such as Europe/Berlin"),
    "start_date": (_day, f"a date from {FIRST_DAY} to {LAST_DAY}"),
    "session_gap_minutes": (_whole(1, 720), "whole minutes from 1 to 720"),
    # A play of at most 23 hours ends within the day after the one it started on, on any day of any calendar.
    "max_watch_seconds": (_whole(1, 82_800), "whole seconds from 1 to 82800"),
    "max_rejected_share": (_share, "a share from 0 to 1"),
    "settle_seconds": (_whole(0, 86_400), "whole seconds from 0 to 86400"),
    "engine": (engines, ENGINES_EXPECTED),
    "spark_master": (_spark_master, "a Spark master such as local[4], spark://host:7077, k8s://https://host or yarn"),
    "memory_limit": (_memory, "a size of 100MB or more, such as 4GB"),
    "threads": (_whole(1, 1024), "a whole number from 1 to 1024"),
    "email_key": (_key, "at least 16 characters"),
    "as_of": (_day, f"a date from {FIRST_DAY} to {LAST_DAY}"),
    "retention_origin": (_one_of("first_play", "signed_up"), "first_play or signed_up"),
    "churn_inactive_days": (_whole(1, 3650), "whole days from 1 to 3650"),
    "content_by_hour_days": (_whole(1, 366), "whole days from 1 to 366"),
    "genre_shift_share": (_share, "a share from 0 to 1"),
    "engagement_plays": (_borders(3, 2, 10**9, falling=True), "three falling whole numbers from 2 on such as 20,10,5"),
    "completion_pcts": (
        _borders(3, 1, 100, falling=True),
        "three falling whole numbers from 1 to 100 such as 80,60,40",
    ),
    "lifecycle_days": (_borders(3, 1, 36_500, falling=False), "three rising whole numbers from 1 on such as 7,30,90"),
    "train_every_days": (_whole(1, 366), "whole days from 1 to 366"),
    "ui_url": (_folder_address, "an address such as http://localhost:3000"),
    "alert_webhook": (_address, "an address that begins with http:// or https://"),
    "alert_email_to": (_mailboxes, "addresses such as ann@example.com,ops@example.com"),
    "alert_email_from": (_mailbox, "an address such as streaming@example.com"),
    "alert_smtp": (_host_and_port, "host and port such as smtp.example.com:587"),
    "alert_smtp_user": (_text, "a name in ASCII"),
    "alert_smtp_password": (_text, "a password in ASCII"),
}
