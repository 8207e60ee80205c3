"""What workers and guilds tell of themselves, kept as JSON beside their rows (spec: SA-60, SA-62)."""

from functools import cache
from typing import Annotated, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

MAX_RATE_CENTS = 1_000_000
"""Highest hourly rate: 10,000 of whatever the cents are of."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("expected printable characters on one line")
    return text


def _paragraphs(text: str) -> str:
    if not all(line.isprintable() for line in text.splitlines()):
        raise ValueError("expected printable characters and line breaks")
    return text


@cache
def _time_zones() -> set[str]:
    return available_timezones()


def _known_zone(name: str) -> str:
    if _time_zones() and name not in _time_zones():  # none are known where the system has no data of them
        raise ValueError("expected the name of a time zone such as Europe/Berlin")
    return name


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_printable)
]
"""A name of something: 1 to 100 printable characters."""
Prose = Annotated[str, StringConstraints(strip_whitespace=True, max_length=5_000), AfterValidator(_paragraphs)]
"""Text of several lines, at most 5,000 characters."""
Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), AfterValidator(_printable)]
"""A short name such as `FIN` or `label_text`."""
Year = Annotated[int, Field(ge=1900, le=2200)]
Cents = Annotated[int, Field(ge=0, le=MAX_RATE_CENTS)]


class _Told(BaseModel):
    """Something that somebody tells of themselves."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Education(_Told):
    """What a worker has learnt."""

    degree: Line
    field: Line | None = None
    institution: Line | None = None
    year: Year | None = None


class Certification(_Told):
    """What somebody has certified."""

    name: Line
    issuer: Line | None = None


class Job(_Told):
    """What a worker has done elsewhere."""

    title: Line
    company: Line | None = None
    start_year: Year | None = None
    end_year: Year | None = None
    """None: until today."""

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.start_year is not None and self.end_year is not None and self.end_year < self.start_year:
            raise ValueError(f"expected an end_year from {self.start_year} on, got {self.end_year}")
        return self


class Background(_Told):
    """What a worker tells of themselves; all of it is seen by others, so no name and no address belong here."""

    bio: Prose = ""
    country: Line | None = None
    timezone: Annotated[Line, AfterValidator(_known_zone)] | None = None
    """As in `Europe/Berlin`."""
    availability_hours_per_week: Annotated[int, Field(ge=0, le=168)] | None = None
    years_experience: Annotated[int, Field(ge=0, le=80)] | None = None
    hourly_rate_min_cents: Cents | None = None
    hourly_rate_max_cents: Cents | None = None
    education: Annotated[tuple[Education, ...], Field(max_length=20)] = ()
    certifications: Annotated[tuple[Certification, ...], Field(max_length=50)] = ()
    job_history: Annotated[tuple[Job, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _rates_in_order(self) -> Self:
        least, most = self.hourly_rate_min_cents, self.hourly_rate_max_cents
        if least is not None and most is not None and most < least:
            raise ValueError(f"expected an hourly_rate_max_cents of {least} or more, got {most}")
        return self


class GuildProfile(_Told):
    """What a guild tells of itself."""

    summary: Annotated[str, StringConstraints(strip_whitespace=True, max_length=300), AfterValidator(_printable)] = ""
    """One line."""
    description: Prose = ""
    task_types: Annotated[tuple[Code, ...], Field(max_length=100)] = ()
    """Types of tasks it does."""
    domains: Annotated[tuple[Code, ...], Field(max_length=100)] = ()
    """Codes of the domains it serves."""
    languages: Annotated[tuple[Line, ...], Field(max_length=100)] = ()
    location: Annotated[tuple[Line, ...], Field(max_length=100)] = ()
    """Countries it works in."""
    certifications: Annotated[tuple[Line, ...], Field(max_length=100)] = ()
