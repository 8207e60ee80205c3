"""Who may claim what: audiences, guilds, skills, languages, and workers who may not work at all."""

import pytest
from pydantic import ValidationError

from intermezzo.errors import ClaimLost, InvalidInput, NotClaimable, WorkerError
from intermezzo.human_steps import workers
from intermezzo.human_steps.background import Background, Education
from intermezzo.human_steps.history import story
from intermezzo.human_steps.terms import Terms
from tests.desk import START, Desk


def guild(desk: Desk, id: str, *members: str, kind: workers.GuildKind = "community") -> None:
    desk.do(lambda c: workers.make_guild(c, id, name=id.title(), kind=kind, at=START))
    for member in members:
        desk.do(lambda c, member=member: workers.join(c, id, member, at=START))


def test_a_task_for_some_workers_is_seen_by_nobody_else(desk: Desk) -> None:
    task = desk.post(audience=("ann",))
    assert desk.take_next("bob") is None
    with pytest.raises(NotClaimable, match="not for worker 'bob': it is for other workers"):
        desk.take("bob", task)
    assert desk.take_next("ann") is not None


def test_a_task_for_a_guild_is_for_its_members(desk: Desk) -> None:
    guild(desk, "medics", "ann")
    task = desk.post(audience="guild:medics")
    with pytest.raises(NotClaimable, match="it is for members of the guild 'medics'"):
        desk.take("bob", task)
    assert desk.take_next("bob") is None
    assert desk.take_next("ann") is not None
    desk.do(lambda c: workers.leave(c, "medics", "ann"))
    other = desk.post(audience="guild:medics")
    assert desk.take_next("ann") is None
    assert desk.state(other) == "open"


def test_a_member_of_a_chartered_guild_is_asked_through_it(desk: Desk) -> None:
    guild(desk, "bureau", "ann", kind="chartered")
    with pytest.raises(InvalidInput, match=r"belongs to the chartered guild 'bureau': .* \"guild:bureau\""):
        desk.post(audience=("ann", "bob"))
    assert (desk.reserved, desk.problems()) == (0, [])
    desk.post(audience="guild:bureau")
    assert desk.take_next("ann") is not None


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"skills": ("law",), "min_skill_level": 3}, "skill level 3 in law"),
        ({"min_skill_level": 2}, "skill level 2 in label_text"),
        ({"languages": ("en", "pt-br")}, "language pt-br"),
    ],
)
def test_what_a_task_asks_for_is_asked_of_whoever_claims_it(desk: Desk, asked: dict[str, object], why: str) -> None:
    task = desk.post(**asked)  # pyright: ignore[reportArgumentType]
    desk.describe("bob", skills={"law": 2, "label_text": 1}, languages=["en"])
    with pytest.raises(NotClaimable, match=why):
        desk.take("bob", task)
    desk.describe("ann", skills={"law": 3, "label_text": 5}, languages=["en", "PT-BR"])
    assert desk.take_next("bob") is None
    assert desk.take_next("ann") is not None


def test_the_most_urgent_task_that_one_may_claim_comes_first_whatever_else_is_open(desk: Desk) -> None:
    desk.post(audience=("ann",), priority="urgent")
    low, high = desk.post(priority="low"), desk.post(priority="high", reward=9)
    assert [claim.task_id for _ in range(2) if (claim := desk.take_next("bob"))] == [high, low]


def test_a_suspended_worker_claims_nothing_until_reinstated(desk: Desk) -> None:
    task = desk.post()
    desk.suspend("bob")
    assert desk.take_next("bob") is None
    with pytest.raises(NotClaimable, match="worker 'bob' is suspended: answers at random"):
        desk.take("bob", task)
    desk.do(lambda c: workers.set_suspended(c, "bob", None, at=START))
    assert desk.take_next("bob") is not None


def test_what_a_suspended_worker_has_not_been_paid_for_is_open_again(desk: Desk) -> None:
    claimed, waiting = desk.post(), desk.post(required=2, strategy="unanimous", auto_approve_seconds=None)
    done, paid = desk.post(auto_approve_seconds=None), desk.post()
    desk.take("bob", claimed)
    for task in (waiting, done, paid):
        desk.answer("bob", task)
    desk.suspend("bob")
    assert [desk.state(task) for task in (claimed, waiting, done, paid)] == ["open", "open", "completed", "completed"]
    assert desk.open_slots(waiting) == 2
    assert desk.earned("bob") == 2
    desk.review(desk.assignment(done, "bob") or "", approved=True)
    assert desk.earned("bob") == 4
    assert desk.problems() == []


def test_a_declined_task_is_not_offered_again(desk: Desk) -> None:
    task = desk.post()
    desk.take("ann", task)
    desk.decline("ann", task)
    assert desk.take_next("ann") is None
    with pytest.raises(NotClaimable, match="has declined human task"):
        desk.take("ann", task)
    assert desk.answer("bob", task) == "completed"
    with pytest.raises(ClaimLost):
        desk.decline("ann", task)


def test_a_task_may_escalate_to_another_audience(desk: Desk) -> None:
    later = Terms(type="label_text", audience="public")
    first = later.model_copy(update={"audience": ("ann",), "deadline_seconds": 60, "escalation": later})
    task = desk.post_under(first)
    assert desk.take_next("bob") is None
    desk.expire(at=START.replace(minute=1))
    assert desk.take_next("bob", at=START.replace(minute=1)) is not None
    assert desk.state(task) == "claimed"


def test_simulated_workers_may_do_every_test_task(desk: Desk) -> None:
    play = Desk(desk.store, test=True)
    play.post(audience="guild:medics", min_skill_level=5, languages=("la",))
    assert play.take_next("simulated-1") is not None


def test_what_is_said_of_a_worker_is_kept_until_it_is_said_anew(desk: Desk) -> None:
    desk.describe("ann", skills={"law": 3}, languages=["EN"])
    profile = desk.do(lambda c: workers.describe(c, "ann", languages=["de"], at=START))
    assert (profile.skills, profile.languages) == ({"law": 3}, frozenset({"de"}))


def test_mistakes_about_workers_are_refused(desk: Desk) -> None:
    guild(desk, "medics")
    with pytest.raises(WorkerError, match="law: a skill level is 1 to 5, got 6"):
        desk.describe("ann", skills={"law": 6})
    with pytest.raises(WorkerError, match="there is a guild 'medics' already"):
        guild(desk, "medics")
    with pytest.raises(WorkerError, match="there is no guild 'nurses'"):
        desk.do(lambda c: workers.join(c, "nurses", "ann", at=START))


# --- profiles and addresses -------------------------------------------------------------------------------------


def email(desk: Desk, worker: str, address: str) -> workers.Profile:
    return desk.do(lambda c: workers.describe(c, worker, email=address, at=START))


def test_a_task_is_addressed_to_a_worker_by_e_mail_and_keeps_only_the_id(desk: Desk) -> None:
    email(desk, "w1", "Ann@Example.com")
    later = Terms(type="label_text", audience=("ANN@example.com", "bob"))
    task = desk.post_under(later.model_copy(update={"audience": ("ann@example.COM ",), "escalation": later}))
    kept = desk.see(lambda c: story(c, desk.payer, task)).terms
    assert kept["audience"] == ["w1"]
    assert "example" not in str(kept).lower()
    assert desk.take_next("bob") is None
    assert desk.take_next("w1") is not None


def test_an_address_that_nobody_has_is_refused_and_nothing_is_posted(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match=r"no worker has the e-mail address 'ann@example\.com'"):
        desk.post(audience=("ann@example.com",))
    assert (desk.reserved, desk.problems()) == (0, [])


def test_whoever_has_an_address_comes_before_whoever_is_called_like_it(desk: Desk) -> None:
    desk.describe("ann@example.com")
    desk.post(audience=("ann@example.com",))
    assert desk.take_next("ann@example.com") is not None
    email(desk, "w1", "ann@example.com")
    desk.post(audience=("ann@example.com",))
    assert desk.take_next("ann@example.com") is None
    assert desk.take_next("w1") is not None


def test_a_member_of_a_chartered_guild_is_not_asked_by_e_mail_either(desk: Desk) -> None:
    email(desk, "w1", "ann@example.com")
    guild(desk, "bureau", "w1", kind="chartered")
    with pytest.raises(InvalidInput, match="belongs to the chartered guild 'bureau'"):
        desk.post(audience=("ann@example.com",))


def test_an_address_belongs_to_one_worker_who_may_give_it_up(desk: Desk) -> None:
    assert email(desk, "w1", " Ann@Example.com").email == "ann@example.com"
    assert email(desk, "w1", "ann@example.com").email == "ann@example.com"
    with pytest.raises(WorkerError, match=r"another worker has the e-mail address 'ann@example\.com'"):
        email(desk, "w2", "ANN@example.com")
    assert email(desk, "w1", "").email is None
    assert email(desk, "w2", "ann@example.com").email == "ann@example.com"


@pytest.mark.parametrize(
    "address", ["ann", "@", "a@b", "a b@c.d", "a@b@c.d", "a@b..c", "<a@b.c>", f"{'a' * 250}@b.cd", "a\0@b.c"]
)
def test_what_is_no_address_is_refused(desk: Desk, address: str) -> None:
    with pytest.raises(WorkerError, match="an e-mail address looks like"):
        email(desk, "w1", address)


@pytest.mark.parametrize(
    "told",
    [
        {"bio": "x" * 5_001},
        {"bio": "bell\a"},
        {"country": " "},
        {"timezone": "Mars/Phobos"},
        {"availability_hours_per_week": 169},
        {"years_experience": -1},
        {"hourly_rate_min_cents": 200, "hourly_rate_max_cents": 100},
        {"job_history": [{"title": "Clerk", "start_year": 2020, "end_year": 2019}]},
        {"certifications": [{"name": "HIPAA", "number": 1}]},
        {"email": "ann@example.com"},
    ],
)
def test_a_background_out_of_bounds_is_refused(told: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Background.model_validate(told)


def test_what_somebody_tells_of_themselves_is_kept_whole_until_told_anew(desk: Desk) -> None:
    told = Background(
        bio="Reads contracts.\nAll day.", timezone="America/Lima", education=(Education(degree="LLM", year=2020),)
    )
    desk.do(lambda c: workers.describe(c, "ann", background=told, skills={"law": 3}, at=START))
    desk.describe("ann", languages=["es"])
    profile = desk.see(lambda c: workers.profile_of(c, "ann"))
    assert (profile.background, profile.skills, profile.languages) == (told, {"law": 3}, frozenset({"es"}))


@pytest.mark.parametrize("skill", ["", "x" * 101, "a\nb"])
def test_what_is_no_skill_is_refused(desk: Desk, skill: str) -> None:
    with pytest.raises(WorkerError, match="a skill has 1 to 100 printable characters"):
        desk.describe("ann", skills={skill: 3})
