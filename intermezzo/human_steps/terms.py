"""The terms on which a human task is posted: what it pays, who may do it, and what happens in every case.

Thousands of tasks share the same terms, so they are kept once, under the digest of what they say, and never change;
a task that escalates moves to other terms.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from sqlalchemy import Connection, select

from intermezzo.errors import StoreError
from intermezzo.human_steps.consensus import ConsensusStrategy
from intermezzo.human_steps.quality import DECIDES_WHO_CLAIMS, Quality
from intermezzo.ledger import human_price
from intermezzo.steps import Cost, explain
from intermezzo.store import insert_into
from intermezzo.store.tables import terms as table

PUBLIC = "public"
"""The audience of tasks that everybody may claim."""
GUILD = "guild:"
"""What comes before the guild's id in the audience of tasks for its members."""

EVERYBODY = ""
"""Stands for the worker of tasks that are not for a single one: no worker has this id, and databases sort by it."""

OnSplit = Literal["fail", "review"]
"""What becomes of a task whose workers do not agree: it fails, or the requester decides."""


class Terms(BaseModel):
    """What a human task is posted under."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    type: str
    """Type of the step."""
    instructions: str = ""
    """Shown to workers; Markdown."""
    consensus_strategy: ConsensusStrategy = "any_first"
    assignments_required: Annotated[int, Field(ge=1)] = 1
    """How many workers answer."""
    max_assignments: Annotated[int, Field(ge=1)] = 1
    """How many at most, where one more is asked after a tie."""
    reward_credits: Annotated[int, Field(ge=0)] = 0
    """Per approved answer."""
    audience: str | tuple[str, ...] = PUBLIC
    """Who may claim: everybody, members of a guild (`guild:ID`), or these workers."""
    skills: tuple[str, ...] = ()
    """What whoever claims must have, …"""
    min_skill_level: Annotated[int, Field(ge=1, le=5)] = 1
    """… each at least at this level; without `skills`, the level in the type itself (spec: CS-14)."""
    languages: tuple[str, ...] = ()
    """What whoever claims must speak, as language tags."""
    claim_timeout_seconds: Annotated[int, Field(gt=0)] = 1800
    """Closes a task that nobody claims, and takes back a claim that brings no answer (spec: K2)."""
    deadline_seconds: Annotated[int, Field(gt=0)] | None = None
    """After which the task is closed, whoever is working on it."""
    auto_approve_seconds: Annotated[int, Field(ge=0)] | None = 0
    """After which an answer that nobody has reviewed is approved; 0: at once; None: never."""
    on_split: OnSplit = "fail"
    domain: str = ""
    """What field of knowledge it is about, as a code such as `FIN`; reputations are also told by it."""
    quality: Quality | None = None
    default_answer: dict[str, JsonValue] | None = None
    """The answer of a task whose time is over."""
    escalation: "Terms | None" = None
    """The terms that a task goes on under when its time is over."""

    @cached_property
    def id(self) -> str:
        """Digest of what they say."""
        return _digest(self.model_dump_json())

    @cached_property
    def queue(self) -> str:
        """Digest of what they ask of whoever claims: the tasks of a queue ask the same."""
        return _digest(self.model_dump_json(include=_DEMANDS))

    @property
    def gold_set(self) -> str | None:
        """Of which tasks with a known answer are mixed in, if any."""
        return None if self.quality is None else self.quality.gold_set

    def queue_of(self, org: str) -> str:
        """The queue of an organisation's tasks: gold sets belong to an organisation, all else is asked by all alike."""
        return self.queue if self.gold_set is None else _digest(f"{self.queue} {org}")

    @property
    def for_worker(self) -> str:
        """The only worker they let claim; empty if there is not just one."""
        return self.audience[0] if isinstance(self.audience, tuple) and len(self.audience) == 1 else EVERYBODY

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic does it, without the digests, which may be others."""
        copied = super().model_copy(update=update, deep=deep)
        attributes = cast("dict[str, object]", copied.__dict__)
        for cached in ("id", "queue"):
            attributes.pop(cached, None)
        return copied

    @property
    def price_credits(self) -> int:
        """The most a task under these terms can cost, fee included."""
        return self.price_of(max(t.max_assignments for t in self.chain()))

    def price_of(self, assignments: int) -> int:
        """The most that so many workers can cost, fee included."""
        return human_price(max(t.reward_credits for t in self.chain()), assignments)

    @property
    def cost(self) -> Cost:
        """What a task under these terms costs that ends with an outcome.

        Expected: as many answers as required, at the first reward; one where the first decides.
        """
        answers = 1 if self.consensus_strategy == "any_first" else self.assignments_required
        expected = human_price(self.reward_credits, answers)
        return Cost(minimum=self._least_credits, expected=expected, maximum=self.price_credits)

    @property
    def _least_credits(self) -> int:
        chain = list(self.chain())
        # A default answer is nobody's, and an answer that is not approved at once can still be rejected.
        if self.auto_approve_seconds != 0 or any(terms.default_answer is not None for terms in chain):
            return 0
        # A person may decide a task that is split before every slot is answered.
        one = self.consensus_strategy == "any_first" or self.on_split == "review"
        return human_price(min(terms.reward_credits for terms in chain), 1 if one else self.assignments_required)

    def chain(self) -> "Iterator[Terms]":
        """These terms, and those that follow when a task's time is over."""
        yield self
        if self.escalation is not None:
            yield from self.escalation.chain()


_DEMANDS: dict[str, Any] = {
    **dict.fromkeys(["type", "audience", "skills", "min_skill_level", "languages"], True),
    "quality": DECIDES_WHO_CLAIMS,
}
"""Fields that decide who may claim."""

_MOST_READ = 1_000
_read: dict[str, Terms] = {}
"""Terms that this process has read; they never change, whatever the store."""


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def keep(connection: Connection, terms: Iterable[Terms], *, at: datetime) -> None:
    """Put terms into the store, with those that follow them, unless they are there."""
    wanted = {link.id: link for one in terms for link in one.chain()}
    rows = [{"id": id, "document": one.model_dump_json(), "created_at": at} for id, one in sorted(wanted.items())]
    connection.execute(insert_into(connection, table).on_conflict_do_nothing(), rows)


def terms_of(connection: Connection, id: str) -> Terms:
    """Terms by their id.

    Raises:
        StoreError: they say what this version does not know.
    """
    known = _read.get(id)
    if known is None:
        if len(_read) >= _MOST_READ:
            _read.clear()
        document = connection.execute(select(table.c.document).where(table.c.id == id)).scalar_one()
        known = _read[id] = _from_document(id, document)
    return known


def _from_document(id: str, document: str) -> Terms:
    try:
        return Terms.model_validate_json(document)
    except ValidationError as error:
        raise StoreError(
            f"the terms {id} of a human task cannot be read, as if a newer version of Intermezzo had written them "
            f"({explain(error)}); upgrade this one"
        ) from None
