"""An experiment as its owner writes it in experiments.yaml, checked so that whoever reads it need not ask again."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeGuard

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)
from pydantic_core import CoreSchema, ErrorDetails, InitErrorDetails, PydanticCustomError, core_schema

from streaming_assets.experiments.metrics import METRICS, Metric, capped_name

CONTROL = "control"
BUCKETS = 10_000
"""Into so many parts a hash divides units."""
RESERVED_IDS = ("plan",)
"""What stands in the place of an experiment's id on the command line."""

_FIRST_DAY, _LAST_DAY = dt.date(1970, 1, 2), dt.date(2100, 1, 1)

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_NAME_IN_WORDS = "a name of lower-case letters, digits and _ that begins with a letter, at most 63 characters"
_PLAIN_KEY = re.compile(r"[\w-]{1,63}")
_LEAST_SHARE = 5_000
"""Of 10,000 buckets an arm of less than this part might get none, and nobody would ever be in it."""

_FILTERS = ("filter", "filters", "exclude", "include", "where")
_NO_FILTER_AFTER_EXPOSURE = (
    "units cannot be chosen by what they do after exposure, since the treatment changes who does it and the arms would "
    "no longer be comparable; min_pre_sessions chooses by what they did before"
)

Lines = Mapping[tuple[str, ...], int]


@dataclass(frozen=True)
class _Expected:
    """What is allowed for a value, in words that stand in place of pydantic's whenever it is refused as a whole."""

    words: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(self._checked, handler(source))

    def _checked(self, value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError as error:
            if all(detail["loc"] for detail in error.errors()):
                raise
            raise _refused(self.words) from None


def _refused(words: str) -> PydanticCustomError:
    return PydanticCustomError("expected", "{expected}", {"expected": words})


def _refuse_inside(mistakes: Iterable[tuple[str | int, Any, str]]) -> None:
    """Refuses what lies inside a value, each by its key there, what was found and what was expected."""
    details = [InitErrorDetails(type=_refused(words), loc=(key,), input=found) for key, found, words in mistakes]
    if details:
        raise ValidationError.from_exception_data("experiment", details)


def _required(is_allowed: bool) -> None:
    if not is_allowed:
        raise ValueError


def _name(value: str) -> str:
    _required(_NAME.fullmatch(value) is not None)
    return value


def _id(value: str) -> str:
    _required(value not in RESERVED_IDS)
    return _name(value)


def _known_metric(name: str) -> str:
    _required(name in METRICS)
    return name


def _is_mean_per_unit(metric: Metric) -> bool:
    return metric.denominator is None and not metric.is_share


def _mean_per_unit(name: str) -> str:
    _required(_is_mean_per_unit(METRICS[_known_metric(name)]))
    return name


def _day(value: Any) -> Any:
    # A timestamp is a date to pydantic.
    _required(isinstance(value, dt.date) and not isinstance(value, dt.datetime) and _FIRST_DAY <= value <= _LAST_DAY)
    return value


def _no_lift_or_one_that_can_be_found(value: float) -> float:
    _required(value == 0 or value >= _LEAST_LIFT)
    return value


def _arms(variants: dict[str, float]) -> dict[str, float]:
    _required(CONTROL in variants and len(variants) > 1)
    total = sum(variants.values())
    _refuse_inside(
        (name, weight, f"a weight of at least 1/{_LEAST_SHARE:,} of all weights together")
        for name, weight in variants.items()
        if weight * _LEAST_SHARE < total
    )
    return variants


def _logged_in_equal_parts(value: Any) -> Any:
    return {"variants": {CONTROL: 50, "treatment": 50}} if value == "logged" else value


_LEAST_LIFT = 0.0001
_MOST_UNITS = 10_000_000_000
_LEAST_ALPHA = 0.000001

Id = Annotated[str, AfterValidator(_id), _Expected(f"{_NAME_IN_WORDS}, other than {' and '.join(RESERVED_IDS)}")]
Name = Annotated[str, AfterValidator(_name), _Expected(_NAME_IN_WORDS)]
Text = Annotated[
    str, _Expected("a text, in quotes where YAML would take it for something else, such as 'no', '10' or '2026-09-01'")
]
MetricName = Annotated[str, AfterValidator(_known_metric), _Expected(f"one of {', '.join(METRICS)}")]
MeanPerUnit = Annotated[
    str,
    AfterValidator(_mean_per_unit),
    _Expected(f"a mean per unit, one of {', '.join(name for name in METRICS if _is_mean_per_unit(METRICS[name]))}"),
]
Day = Annotated[
    dt.date,
    BeforeValidator(_day),
    _Expected(f"a date from {_FIRST_DAY} to {_LAST_DAY}, such as 2026-09-01, without quotes and without a time"),
]
Weight = Annotated[float, Field(gt=0, le=1_000_000), _Expected("a weight above 0 and at most 1,000,000")]
Alpha = Annotated[float, Field(ge=_LEAST_ALPHA, lt=0.5), _Expected("a number from 0.000001 to below 0.5, such as 0.05")]
Margin = Annotated[
    float, Field(ge=_LEAST_LIFT, le=1), _Expected("a number from 0.0001 to 1, such as 0.02 where 2 % worse is allowed")
]
Lift = Annotated[
    float,
    Field(ge=0, le=1),
    AfterValidator(_no_lift_or_one_that_can_be_found),
    _Expected("0, or a number from 0.0001 to 1, such as 0.02 for a lift of 2 %"),
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @classmethod
    def keys(cls) -> list[str]:
        """The keys as they stand in the file."""
        return [field.alias or name for name, field in cls.model_fields.items()]


class SignedUp(_Part):
    """Days of sign-up, both inclusive."""

    first: Day | None = Field(default=None, alias="from")
    last: Day | None = Field(default=None, alias="to")

    @field_validator("last")
    @classmethod
    def _follows(cls, last: dt.date | None, info: ValidationInfo) -> dt.date | None:
        first = info.data.get("first")
        if first is not None and last is not None and last < first:
            raise _refused(f"a date that is not before from, {first}")
        return last


class Population(_Part):
    """Who takes part, by what is known before exposure; None takes everybody."""

    plan: Annotated[list[Text], Field(min_length=1), _Expected("a list of plans such as [basic, premium]")] | None = (
        None
    )
    country: Annotated[list[Text], Field(min_length=1), _Expected("a list of countries such as [DE, SE]")] | None = None
    signed_up: Annotated[SignedUp, _Expected(f"a mapping of {', '.join(SignedUp.keys())}")] = SignedUp()
    min_pre_sessions: Annotated[
        int, Field(ge=0, le=1_000_000), _Expected("a whole number from 0 to 1,000,000, such as 3")
    ] = 0


class Assignment(_Part):
    """Arms and their weights; with a salt by hash, without one as the exposure events log it."""

    salt: (
        Annotated[
            str, Field(min_length=1), _Expected("a text such as the experiment's id, in quotes if it is a number")
        ]
        | None
    ) = None
    variants: Annotated[
        dict[Name, Weight],
        AfterValidator(_arms),
        _Expected(
            f"{CONTROL} and at least one variant more with their weights, such as {{{CONTROL}: 50, treatment: 50}}"
        ),
    ]


class Rollout(_Part):
    """What everybody's getting the treatment would mean: for how many users, and what a session is worth."""

    population: Annotated[
        int, Field(ge=0, le=_MOST_UNITS), _Expected(f"a whole number of users from 0 to {_MOST_UNITS:,}")
    ] = 0
    value_per_session: (
        Annotated[float, Field(ge=-1e6, le=1e6), _Expected("a number from -1,000,000 to 1,000,000, such as 0.05")]
        | None
    ) = None


class Experiment(_Part):
    """One entry of experiments.yaml. Days are days of the reporting zone, start and end inclusive."""

    id: Id
    name: Text = ""
    hypothesis: Text = ""
    kind: Annotated[Literal["ab", "aa"], _Expected("ab or aa")] = "ab"
    start: Day
    end: Day
    population: Annotated[Population, _Expected(f"a mapping of {', '.join(Population.keys())}")] = Population()
    exposure: Annotated[Literal["first_play", "signup", "logged"], _Expected("one of first_play, signup, logged")] = (
        "first_play"
    )
    assignment: Annotated[
        Assignment,
        BeforeValidator(_logged_in_equal_parts),
        _Expected(f"a mapping of {', '.join(Assignment.keys())}, or the word logged"),
    ]
    analysis: Annotated[Literal["fixed", "sequential"], _Expected("fixed or sequential")] = "fixed"
    primary: MetricName
    guardrails: Annotated[
        dict[MetricName, Margin], _Expected("metrics with how much worse they may become, such as {skip_rate: 0.02}")
    ] = {}
    secondary: Annotated[list[MetricName], _Expected("a list of metrics such as [watch_hours]")] = []
    alpha: Alpha = 0.05
    guardrail_alpha: Alpha = 0.10
    min_lift: Lift = 0.0
    rollout: Annotated[Rollout, _Expected(f"a mapping of {', '.join(Rollout.keys())}")] = Rollout()
    planned_units: (
        Annotated[int, Field(gt=0, le=_MOST_UNITS), _Expected(f"a whole number of units from 1 to {_MOST_UNITS:,}")]
        | None
    ) = None
    winsorise: Annotated[list[MeanPerUnit], _Expected("a list of metrics such as [watch_hours]")] = []

    @field_validator("end")
    @classmethod
    def _follows(cls, end: dt.date, info: ValidationInfo) -> dt.date:
        start = info.data.get("start")
        if start is not None and end < start:
            raise _refused(f"a date that is not before the start, {start}")
        return end

    @field_validator("assignment")
    @classmethod
    def _tells_variants(cls, assignment: Assignment, info: ValidationInfo) -> Assignment:
        exposure = info.data.get("exposure")
        if assignment.salt is None and exposure not in (None, "logged"):
            raise _refused(
                "a salt, from which the variants are drawn, or exposure: logged, whose events tell each user's variant"
            )
        return assignment

    @field_validator("guardrails", "secondary")
    @classmethod
    def _has_one_role(cls, metrics: Any, info: ValidationInfo) -> Any:
        earlier = [info.data.get("primary"), *info.data.get("guardrails", ())]
        names = list(metrics)
        places = names if isinstance(metrics, dict) else range(len(names))
        _refuse_inside(
            (place, name, "a metric without another role; primary, guardrails and secondary name each one once")
            for number, (place, name) in enumerate(zip(places, names, strict=True))
            if name in (*earlier, *names[:number])
        )
        return metrics

    @property
    def is_logged(self) -> bool:
        """The variant is what exposure events say, not what a hash does."""
        return self.assignment.salt is None

    @property
    def variants(self) -> dict[str, float]:
        return self.assignment.variants

    @property
    def bucket_bounds(self) -> dict[str, int]:
        """By variant, in the order of the file, the bucket that is the first of the next one."""
        total, so_far, bounds = sum(self.variants.values()), 0.0, {}
        for name, weight in self.variants.items():
            so_far += weight
            bounds[name] = round(BUCKETS * so_far / total)
        return bounds

    @property
    def shares(self) -> dict[str, float]:
        """The share of units that belongs into each variant: of the buckets, or of the weights where variants are logged."""
        if self.is_logged:
            return {name: weight / sum(self.variants.values()) for name, weight in self.variants.items()}
        bounds = self.bucket_bounds
        return {
            name: (bound - before) / BUCKETS
            for (name, bound), before in zip(bounds.items(), [0, *bounds.values()], strict=False)
        }

    @property
    def treatments(self) -> tuple[str, ...]:
        """All variants but control, as they stand in the file."""
        return tuple(name for name in self.variants if name != CONTROL)

    @property
    def metrics(self) -> dict[str, Metric]:
        """All metrics by name; those that are winsorised are means of the capped column."""
        capped = {name: METRICS[name] for name in self.winsorise}
        return {
            **METRICS,
            **{name: replace(metric, numerator=capped_name(metric.numerator)) for name, metric in capped.items()},
        }

    def role(self, metric: str) -> str:
        """What the metric is to the decision."""
        if metric == self.primary:
            return "primary"
        if metric in self.guardrails:
            return "guardrail"
        return "secondary" if metric in self.secondary else "other"


_ENTRY: TypeAdapter[Experiment] = TypeAdapter(
    Annotated[Experiment, _Expected("an experiment: a mapping that begins with its id")]
)


@dataclass(frozen=True)
class Experiments:
    """The experiments that can be computed, and what is wrong with the others."""

    valid: tuple[Experiment, ...] = ()
    errors: tuple[str, ...] = ()


def parse_experiments(content: Any, lines: Lines, path: str) -> Experiments:
    """The experiments of a document. An entry that cannot be used is left out and explained; it never stops the others.

    content, lines: the document and the line of every key in it; path: how the file is named in errors, which read
    `path:line: id.key: found …, expected …`.
    """
    if content is None:
        return Experiments()
    if not isinstance(content, list):
        return Experiments(
            errors=(f"{path}:{lines[()]}: the document: found {_shown(content)}, expected a list of experiments",)
        )
    valid: list[Experiment] = []
    errors: list[str] = []
    first_lines: dict[str, int] = {}
    for entry in (_Entry(number, entry, lines, path) for number, entry in enumerate(content)):
        found, mistakes = entry.experiment()
        if entry.id in first_lines:
            mistakes = (
                entry.said(("id",), repr(entry.id), f"an id that line {first_lines[entry.id]} has not"),
                *mistakes,
            )
        elif entry.id is not None:
            first_lines[entry.id] = entry.line(("id",))
        if found is not None and not mistakes:
            valid.append(found)
        errors += mistakes
    return Experiments(tuple(valid), tuple(errors))


@dataclass(frozen=True)
class _Entry:
    """An entry of the document; keys are always the way from it to a value."""

    number: int
    content: Any
    lines: Lines
    path: str

    @property
    def id(self) -> str | None:
        """Its id, where it has one that can be used."""
        found = self.content.get("id") if isinstance(self.content, dict) else None
        return found if _is_name(found) else None

    def experiment(self) -> tuple[Experiment | None, tuple[str, ...]]:
        """What the entry says, or what is wrong with it."""
        try:
            return _ENTRY.validate_python(self.content), ()
        except ValidationError as error:
            details = sorted(error.errors(include_url=False), key=lambda detail: self.line(_keys(detail)))
            return None, tuple(self.explained(detail) for detail in details if not _is_misspelled(detail, details))

    def explained(self, detail: ErrorDetails) -> str:
        keys = _keys(detail)
        if detail["type"] == "missing":
            field = _model_around(keys).model_fields[keys[-1]]
            expected = next(one.words for one in field.metadata if isinstance(one, _Expected))
            return self.said(keys, "nothing", expected)
        if detail["type"] in ("extra_forbidden", "invalid_key"):
            key = keys[-1] if detail["type"] == "extra_forbidden" else detail["input"]
            known = ", ".join(_model_around(keys).keys())
            return self.said(keys, f"the key {_shown(key)}", f"one of {known}{_why(keys)}")
        return self.said(keys, _shown(detail["input"]), str(detail["msg"]))

    def said(self, keys: tuple[str, ...], found: str, expected: str) -> str:
        name = ".".join((self.id or f"entry {self.number + 1}", *(_named(key) for key in keys)))
        return f"{self.path}:{self.line(keys)}: {name}: found {found}, expected {expected}"

    def line(self, keys: tuple[str, ...]) -> int:
        """That of the key, or of what it is missing in."""
        at = (str(self.number), *keys)
        return next(self.lines[at[:length]] for length in range(len(at), -1, -1) if at[:length] in self.lines)


def _keys(detail: ErrorDetails) -> tuple[str, ...]:
    keys = [str(key) for key in detail["loc"]]
    if detail["type"] == "invalid_key":
        keys[-1] = str(detail["input"])
    elif detail["type"] == "expected" and keys[-1:] == ["[key]"]:
        keys[-2:] = [str(detail["input"])]
    return tuple(keys)


def _is_misspelled(missing: ErrorDetails, details: Iterable[ErrorDetails]) -> bool:
    """A key that is missing only because it is spelled otherwise, of which the unknown key's error tells."""
    if missing["type"] != "missing":
        return False
    *above, name = missing["loc"]
    extra = (one["loc"] for one in details if one["type"] == "extra_forbidden")
    unknown = [str(key).lower() for *beside, key in extra if beside == above]
    return bool(get_close_matches(str(name), unknown, n=1))


def _model_around(keys: tuple[str, ...]) -> type[_Part]:
    """The part of an experiment in which the last key stands."""
    model: Any = Experiment
    for key in keys[:-1]:
        model = model.model_fields[key].annotation
    return model


def _why(keys: tuple[str, ...]) -> str:
    is_filter = keys[:-1] == ("population",) or (len(keys) == 1 and keys[0] in _FILTERS)
    return f"; {_NO_FILTER_AFTER_EXPOSURE}" if is_filter else ""


def _is_name(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _named(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else _shown(key)


def _shown(value: Any) -> str:
    text = _in_yaml(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _in_yaml(value: Any) -> str:
    """The value much as it stands in the file, but for texts, which are quoted so that '5' is seen not to be a number."""
    if value is None:
        return "nothing"
    if isinstance(value, str | bytes):
        return repr(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_named(str(key))}: {_in_yaml(found)}' for key, found in value.items())}}}"
    if isinstance(value, list | tuple | set):
        return f"[{', '.join(_in_yaml(found) for found in value)}]"
    return str(value)
