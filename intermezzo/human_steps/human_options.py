"""Options of human steps, and the terms they make."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict, JsonValue

from intermezzo.errors import DefinitionError, WorkerError
from intermezzo.human_steps.consensus import ConsensusStrategy
from intermezzo.human_steps.quality import Quality
from intermezzo.human_steps.tasks import PRIORITIES, Priority
from intermezzo.human_steps.terms import GUILD, PUBLIC, OnSplit, Terms
from intermezzo.human_steps.workers import check_worker_id
from intermezzo.settings import settings
from intermezzo.steps import StepOptions

Audience = str | Sequence[str]
"""Who may claim a task: `"public"`, `"guild:ID"`, or workers' ids."""

MAX_DEADLINE_SECONDS = 30 * 86_400
"""Longest deadline: a month, well above the longest that a dialect knows, Scale's week (spec: SC-09)."""

MAX_DOMAIN_CHARACTERS = 64

_AS_JSON = ConfigDict(extra="forbid", strict=True)
"""How options are read that come as JSON."""


MAX_AUDIENCE = 1_000
"""Workers that an audience may name: each set of terms keeps the list, and more than these are a guild."""

MAX_ESCALATIONS = 20
"""One after another: each set of terms keeps those that follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanOptions(StepOptions):
    """Options of a step whose workers are people (spec: CS-09…CS-15)."""

    __pydantic_config__: ClassVar = _AS_JSON
    EITHER: ClassVar[Mapping[str, str]] = {
        "audience": f'audience: expected "{PUBLIC}", "{GUILD}ID" or a list of workers\' ids',
        "auto_approve_hours": 'auto_approve_hours: expected a number of hours or "never"',
    }
    """What is said of options that may be of two types."""

    assignments_required: int = 1
    """How many workers answer, 1 to 20."""
    consensus_strategy: ConsensusStrategy | None = None
    """How their answers become one; None: the first is taken where one worker answers, else the majority's."""
    claim_timeout_minutes: int = 30
    """Closes a task that nobody claims, and takes back a claim that brings no answer: 5 to 480."""
    priority: Priority = "normal"
    worker_reward_credits: int | None = None
    """Per answer; None: the type's own reward."""
    task_instructions: str | None = None
    """Shown to workers above the type's own instructions; Markdown."""
    audience: Audience = PUBLIC
    """Who may claim: `"public"`, `"guild:ID"` for the members of a guild, or a list of workers' ids."""
    skills: Sequence[str] = ()
    """What whoever claims must have."""
    min_skill_level: int = 1
    """The least level of each of these skills, 1 to 5; without `skills`, of the skill named like the type."""
    languages: Sequence[str] = ()
    """What whoever claims must speak, as language tags such as `en`."""
    deadline_seconds: int | None = None
    """After which the task is closed, whoever is working on it: 30 to 2,592,000 (30 days)."""
    default_answer: Mapping[str, JsonValue] | None = None
    """What the call returns when the time is over, instead of an error."""
    escalation: "Escalation | None" = None
    """How the task goes on when the time is over."""
    max_assignments: int | None = None
    """How many workers at most, where `majority_vote` is tied: one more is asked at a time. None: nobody more."""
    on_split: OnSplit = "fail"
    """What becomes of a task whose workers do not agree: it fails, or the requester decides (`review`)."""
    auto_approve_hours: float | Literal["never"] | None = None
    """After which an answer that nobody has reviewed is approved and paid; 0: at once. None: at once, or after 48
    under `requester_review`."""
    domain: str | None = None
    """What field of knowledge it is about, as a code such as `FIN`: workers have a reputation in each (spec: SA-63)."""
    quality: Quality | None = None
    """Gold tasks, qualification, least time, limits per worker; None: none of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """How a task goes on when its time is over; what is None stays as it was."""

    __pydantic_config__: ClassVar = _AS_JSON

    audience: "Audience | None" = None
    skills: Sequence[str] | None = None
    min_skill_level: int | None = None
    languages: Sequence[str] | None = None
    worker_reward_credits: int | None = None
    deadline_seconds: int | None = None
    claim_timeout_minutes: int | None = None
    default_answer: Mapping[str, JsonValue] | None = None
    """For when that time is over too."""
    escalation: "Escalation | None" = None
    """For when that time is over too."""


def make_terms(options: HumanOptions, *, type: str, instructions: str, reward_credits: int) -> Terms:
    """The terms under which a step with these options posts its tasks.

    Args:
        type: of the step.
        instructions: of the type.
        reward_credits: of the type, where the options say no other.

    Raises:
        DefinitionError: an option is out of range.
    """
    name, most = options.name, settings().max_assignments
    _in_range(name, "assignments_required", options.assignments_required, 1, most)
    if options.max_assignments is not None:
        _in_range(name, "max_assignments", options.max_assignments, options.assignments_required, most)
    _in_range(name, "worker_reward_credits", reward_credits, 0, 10_000)
    _one_of(name, "priority", options.priority, PRIORITIES)
    _one_of(name, "consensus_strategy", options.consensus_strategy, (None, *ConsensusStrategy.__args__))
    _one_of(name, "on_split", options.on_split, OnSplit.__args__)
    texts = [options.task_instructions, instructions]
    first = Terms(
        type=type,
        instructions="\n\n".join(text for text in texts if text),
        consensus_strategy=options.consensus_strategy
        or ("any_first" if options.assignments_required == 1 else "majority_vote"),
        assignments_required=options.assignments_required,
        max_assignments=options.max_assignments or options.assignments_required,
        reward_credits=reward_credits,
        on_split=options.on_split,
        auto_approve_seconds=_auto_approve_seconds(options),
        domain=_domain(options),
        quality=options.quality,
    )
    if (links := _escalations(options)) > MAX_ESCALATIONS:
        raise DefinitionError(f"{name}: at most {MAX_ESCALATIONS} escalations, one after another, got {links}")
    terms = _changed(first, options, name)
    _check_time(terms, name)
    return terms


def _check_time(terms: Terms, name: str) -> None:
    """Refuse to ask for more time than a claim gives."""
    for link in terms.chain():
        longest = min(link.claim_timeout_seconds, link.deadline_seconds or link.claim_timeout_seconds)
        if link.quality is not None and link.quality.min_seconds >= longest:
            raise DefinitionError(
                f"{name}: quality.min_seconds is less than the {longest} seconds there are for an answer, "
                f"got {link.quality.min_seconds!r}"
            )


def _escalations(options: HumanOptions) -> int:
    links, escalation = 0, options.escalation
    while escalation is not None:
        links, escalation = links + 1, escalation.escalation
    return links


def _changed(before: Terms, options: HumanOptions | Escalation, name: str) -> Terms:
    """Terms with what options say instead; what these leave out stays."""
    minutes, seconds = options.claim_timeout_minutes, options.deadline_seconds
    reward = options.worker_reward_credits
    if minutes is not None:
        _in_range(name, "claim_timeout_minutes", minutes, 5, 480)
    if seconds is not None:
        _in_range(name, "deadline_seconds", seconds, 30, MAX_DEADLINE_SECONDS)
    if options.min_skill_level is not None:
        _in_range(name, "min_skill_level", options.min_skill_level, 1, 5)
    if reward is not None:
        _in_range(name, "worker_reward_credits", reward, 0, 10_000)
    if options.default_answer is not None and options.escalation is not None:
        raise DefinitionError(
            f"{name}: default_answer and escalation say what happens when the time is over; give one of them, "
            "and a default answer for after an escalation to that"
        )
    given: dict[str, object] = {
        "claim_timeout_seconds": None if minutes is None else minutes * 60,
        "deadline_seconds": seconds,
        "reward_credits": reward,
        "audience": None if options.audience is None else _audience(options.audience, name),
        "skills": None if options.skills is None else tuple(options.skills),
        "min_skill_level": options.min_skill_level,
        "languages": None if options.languages is None else tuple(tag.lower() for tag in options.languages),
    }
    changed = {name: value for name, value in given.items() if value is not None}
    default = None if options.default_answer is None else dict(options.default_answer)
    terms = before.model_copy(update={**changed, "default_answer": default, "escalation": None})
    if options.escalation is None:
        return terms
    return terms.model_copy(update={"escalation": _changed(terms, options.escalation, name)})


def _audience(audience: Audience, name: str) -> str | tuple[str, ...]:
    if not isinstance(audience, str):
        if not audience:
            raise DefinitionError(f'{name}: an audience of no workers; leave it out, or give "{PUBLIC}"')
        named = sorted(set(audience))
        if len(named) > MAX_AUDIENCE:
            raise DefinitionError(
                f"{name}: an audience of at most {MAX_AUDIENCE:,} workers, got {len(named):,}; make them a guild"
            )
        try:
            for worker in named:
                check_worker_id(worker)
        except WorkerError as error:
            raise DefinitionError(f"{name}: audience: {error}") from None
        return tuple(named)
    if audience != PUBLIC and not (audience.startswith(GUILD) and audience.removeprefix(GUILD).strip()):
        raise DefinitionError(
            f'{name}: audience is "{PUBLIC}", "{GUILD}ID" or a list of workers\' ids, got {audience!r}'
        )
    return audience


def _auto_approve_seconds(options: HumanOptions) -> int | None:
    hours = options.auto_approve_hours
    if hours == "never":
        return None
    if hours is None:
        hours = 48 if options.consensus_strategy == "requester_review" else 0
    if not 0 <= hours <= 30 * 24:
        raise DefinitionError(f'{options.name}: auto_approve_hours is 0 to 720, or "never", got {hours!r}')
    return round(hours * 3600)


def _domain(options: HumanOptions) -> str:
    given = options.domain
    if given is not None and (not 0 < len(given) <= MAX_DOMAIN_CHARACTERS or not given.isprintable()):
        raise DefinitionError(
            f"{options.name}: a domain has 1 to {MAX_DOMAIN_CHARACTERS} printable characters, got {given[:200]!r}"
        )
    return given or ""


def _one_of(name: str, option: str, value: object, allowed: Iterable[object]) -> None:
    if value not in allowed:
        raise DefinitionError(f"{name}: {option} is one of {', '.join(map(str, allowed))}, got {value!r}")


def _in_range(name: str, option: str, value: object, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise DefinitionError(f"{name}: {option} is a whole number from {least} to {most}, got {value!r}")
