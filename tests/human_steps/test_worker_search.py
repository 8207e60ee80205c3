"""Finding workers and guilds: by what they can do, what they tell, how they did; the best first, page by page."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intermezzo.errors import InvalidInput, WorkerError
from intermezzo.human_steps import worker_search, workers
from intermezzo.human_steps.background import Background, GuildProfile
from intermezzo.human_steps.guilds import GuildFilter, describe_guild, directory, public_guild
from intermezzo.human_steps.scores import DEFAULT_SCORE
from intermezzo.human_steps.terms import Terms
from intermezzo.human_steps.worker_search import WorkerFilter, WorkerPage
from intermezzo.human_steps.workforce import Workforce
from tests.desk import START, Desk
from tests.plans import plans

LATER = START + timedelta(days=30)


def known(
    desk: Desk, worker: str, *, skills: tuple[str, ...] = (), languages: tuple[str, ...] = (), **told: Any
) -> None:
    levels = dict.fromkeys(skills, 3)
    about = Background(**told)
    desk.do(lambda c: workers.describe(c, worker, skills=levels, languages=languages, background=about, at=START))


def did(desk: Desk, worker: str, *scores: int | None, domain: str = "", type: str = "label_text") -> None:
    """Tasks of a worker that were accepted; None: nobody scored it in time."""
    for score in scores:
        task = desk.post_under(Terms(type=type, domain=domain))
        desk.answer(worker, task)
        if score is not None:
            desk.score(desk.assignment(task, worker) or "", score)


def found(desk: Desk, limit: int = 25, cursor: str | None = None, **wanted: Any) -> list[str]:
    return [worker.id for worker in page(desk, limit, cursor, **wanted).workers]


def page(desk: Desk, limit: int = 25, cursor: str | None = None, *, test: bool = False, **wanted: Any) -> WorkerPage:
    chosen = WorkerFilter(**wanted)
    return desk.see(lambda c: worker_search.search(c, chosen, test=test, cursor=cursor, limit=limit, at=LATER))


def test_the_best_score_comes_first_then_the_most_tasks(desk: Desk) -> None:
    for worker in ("none", "once", "twice", "poor", "bad"):
        known(desk, worker)
    did(desk, "poor", 2, 9)
    did(desk, "once", None)
    did(desk, "twice", DEFAULT_SCORE, None)
    did(desk, "bad", 0)
    assert found(desk) == ["twice", "once", "poor", "bad", "none"]
    assert found(desk, test=True) == ["bad", "none", "once", "poor", "twice"]


@pytest.mark.parametrize(
    ("wanted", "who"),
    [
        ({"skills": ("Python", "cobol")}, ["ann", "bob"]),
        ({"languages": ("ES",)}, ["bob"]),
        ({"skills": ("python",), "languages": ("es", "en")}, ["ann"]),
        ({"country": "Peru"}, ["bob"]),
        ({"country": "peru"}, []),
        ({"min_availability_hours": 20}, ["ann"]),
        ({"max_rate_cents": 3000}, ["bob"]),
        ({"min_years_experience": 3}, ["ann"]),
        ({"min_score": 8.5}, ["ann"]),
        ({"min_score": 4.0}, ["ann", "bob"]),
        ({"domain": "FIN"}, ["ann"]),
        ({"domain": "FIN", "type": "rate_quality"}, ["ann"]),
        ({"type": "rate_quality", "skills": ("cobol",)}, []),
        ({"min_tasks": 3}, ["ann"]),
        ({"guild": "medics"}, ["bob"]),
        ({"worker_type": "chartered"}, ["cy"]),
        ({"worker_type": "freelancer"}, ["ann", "bob"]),
        ({"skills": ("x' OR 1=1 --",)}, []),
        ({"guild": "%"}, []),
    ],
)
def test_workers_are_found_by_whatever_is_known_of_them(desk: Desk, wanted: dict[str, Any], who: list[str]) -> None:
    known(desk, "ann", skills=("Python",), languages=("en",), availability_hours_per_week=20, years_experience=5)
    known(desk, "bob", skills=("COBOL",), languages=("es",), country="Peru", hourly_rate_min_cents=3000)
    known(desk, "cy", availability_hours_per_week=5, hourly_rate_min_cents=3001, years_experience=2)
    known(desk, "gone", skills=("python", "cobol"), languages=("es",), country="Peru")
    did(desk, "ann", 9, 8, domain="FIN")
    did(desk, "ann", None, type="rate_quality")
    did(desk, "bob", 4)
    for guild, kind, member in (("medics", "community", "bob"), ("bureau", "chartered", "cy")):
        desk.do(lambda c, g=guild, k=kind: workers.make_guild(c, g, name=g, kind=k, at=START))  # type: ignore[arg-type]
        desk.do(lambda c, g=guild, m=member: workers.join(c, g, m, at=START))
    desk.suspend("gone")
    assert found(desk, **wanted) == who


def test_a_skill_that_was_taken_back_finds_nobody(desk: Desk) -> None:
    known(desk, "ann", skills=("law",))
    desk.do(lambda c: workers.describe(c, "ann", languages=["en"], at=START))
    assert found(desk, skills=("law",)) == ["ann"]
    known(desk, "ann", skills=("tax",))
    assert (found(desk, skills=("law",)), found(desk, skills=("tax",))) == ([], ["ann"])


def test_pages_together_show_everybody_once_in_order(desk: Desk) -> None:
    store = desk.store

    @settings(max_examples=10 if store.dialect == "sqlite" else 4)
    @given(st.lists(st.lists(st.none() | st.integers(0, 10), max_size=3), max_size=7), st.integers(1, 4))
    def holds(histories: list[list[int | None]], limit: int) -> None:
        fresh = Desk(store)
        mark = f"skill-{fresh.facts.id}"
        for number, scores in enumerate(histories):
            known(fresh, f"{fresh.facts.id}-{number}", skills=(mark,))
            did(fresh, f"{fresh.facts.id}-{number}", *scores)
        whole = found(fresh, limit=100, skills=(mark,))
        seen: list[str] = []
        cursor = None
        while True:
            some = page(fresh, limit, cursor, skills=(mark,))
            seen += [worker.id for worker in some.workers]
            cursor = some.next_cursor
            if cursor is None:
                break
        assert seen == whole
        assert len(whole) == len(histories)

    holds()


def test_others_who_come_between_two_pages_move_nobody(desk: Desk) -> None:
    for worker in ("a", "b", "c", "d"):
        known(desk, worker)
        did(desk, worker, 5)
    first = page(desk, limit=2)
    known(desk, "0-the-best")
    did(desk, "0-the-best", 10)
    desk.suspend("a")
    assert [worker.id for worker in first.workers] == ["a", "b"]
    assert found(desk, limit=2, cursor=first.next_cursor) == ["c", "d"]


def test_a_missing_score_does_not_turn_into_the_best_between_two_pages(desk: Desk) -> None:
    for worker in ("a", "b", "c"):
        known(desk, worker)
    did(desk, "a", 5)
    did(desk, "b", 4)
    did(desk, "c", None)
    wanted, soon = WorkerFilter(), START + timedelta(hours=1)
    first = desk.see(lambda c: worker_search.search(c, wanted, test=False, cursor=None, limit=2, at=soon))
    assert [worker.id for worker in first.workers] == ["a", "b"]
    assert found(desk, cursor=first.next_cursor) == ["c"]


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "\x00", "ü", *(base64.urlsafe_b64encode(text).decode() for text in (
        b"[]", b"[1,2,3]", b'["2030-01-01T00:00:00Z",99999999999999999999,0,"a"]',
        b'["2030-01-01T00:00:00",5,0,"a"]', b'["2030-01-01T00:00:00Z",5,0,"\\u0000"]', b"[" * 9_000,
    ))],
)  # fmt: skip
def test_a_cursor_that_is_none_is_refused(desk: Desk, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="cursor: expected the next_cursor of the page before"):
        page(desk, cursor=cursor)


# --- guilds -----------------------------------------------------------------------------------------------------


def guild(desk: Desk, id: str, *members: str, kind: workers.GuildKind = "community", **told: Any) -> None:
    desk.do(lambda c: workers.make_guild(c, id, name=id.title(), kind=kind, at=START))
    desk.do(lambda c: describe_guild(c, id, GuildProfile(**told)))
    for member in members:
        desk.do(lambda c, m=member: workers.join(c, id, m, at=START))


@pytest.mark.parametrize(
    ("wanted", "which"),
    [
        ({}, ["nurses", "medics", "empty"]),
        ({"text": "TEAM"}, ["medics"]),
        ({"text": "nurs"}, ["nurses"]),
        ({"kind": "chartered"}, ["medics"]),
        ({"domain": "FIN"}, ["medics"]),
        ({"languages": ("english", "Spanish")}, ["medics"]),
        ({"languages": ("english", "Latin")}, []),
        ({"country": "Peru"}, ["nurses"]),
        ({"certifications": ("hipaa",)}, ["medics"]),
        ({"min_score": 6.0}, ["nurses", "medics"]),
        ({"min_score": 6.1}, ["nurses"]),
        ({"min_members": 2}, ["medics"]),
    ],
)
def test_guilds_are_found_by_what_they_tell_and_how_their_members_did(
    desk: Desk, wanted: dict[str, Any], which: list[str]
) -> None:
    guild(desk, "empty")
    guild(
        desk, "medics", "ann", "bob", kind="chartered", summary="A team.", domains=("FIN",), certifications=("HIPAA",),
        languages=("English", "Spanish"),
    )  # fmt: skip
    guild(desk, "nurses", "cy", "gone", location=("Peru",))
    did(desk, "ann", 4)
    did(desk, "bob", 8)
    did(desk, "cy", 7)
    desk.suspend("gone")
    chosen = GuildFilter(**wanted)
    found = desk.see(lambda c: directory(c, chosen, test=False, cursor=None, limit=50, at=LATER))
    assert [one.id for one in found.guilds] == which
    first = desk.see(lambda c: directory(c, chosen, test=False, cursor=None, limit=1, at=LATER))
    if len(which) > 1:
        rest = desk.see(lambda c: directory(c, chosen, test=False, cursor=first.next_cursor, limit=50, at=LATER))
        assert [one.id for one in rest.guilds] == which[1:]


def test_a_guild_shows_what_it_tells_and_nothing_of_single_members(desk: Desk) -> None:
    guild(desk, "medics", "ann", "bob", description="We label.")
    did(desk, "ann", 4)
    did(desk, "bob", 8)
    found = desk.see(lambda c: public_guild(c, "medics", test=False, at=LATER))
    assert (found.name, found.members, found.profile.description) == ("Medics", 2, "We label.")
    assert found.reputation.overall.score_average == 6.0
    assert "ann" not in repr(found).replace("annotat", "")
    with pytest.raises(WorkerError, match="there is no guild 'x'"):
        desk.see(lambda c: public_guild(c, "x", test=False, at=LATER))
    with pytest.raises(WorkerError, match="there is no guild 'x'"):
        desk.do(lambda c: describe_guild(c, "x", GuildProfile()))


async def test_the_workforce_finds_and_shows(desk: Desk) -> None:
    workforce = Workforce(desk.store)
    await workforce.describe("ann", skills={"law": 3}, background=Background(country="Peru"), email="Ann@Example.com")
    await workforce.make_guild("medics", name="Medics")
    await workforce.join("medics", "ann")
    await workforce.describe_guild("medics", GuildProfile(summary="Doctors."))
    [ann] = (await workforce.search(WorkerFilter(country="Peru"))).workers
    assert ann == await workforce.public_profile("ann")
    assert [member.id for member in ann.guilds] == ["medics"]
    assert "example.com" not in repr(ann)
    [medics] = (await workforce.directory()).guilds
    assert medics == await workforce.public_guild("medics")
    assert (await workforce.get("ann")).email == "ann@example.com"


# --- how it is found --------------------------------------------------------------------------------------------


def test_workers_are_ranked_by_the_index_of_reputations_and_found_by_that_of_their_skills(new_desk: Desk) -> None:
    known(new_desk, "ann", skills=("law",))
    did(new_desk, "ann", 5)
    wanted = WorkerFilter(skills=("law",), domain="FIN", min_score=1.0)
    ranked, *_ = plans(new_desk, lambda c: worker_search.search(c, wanted, test=False, cursor=None, limit=25, at=LATER))
    how = (
        "COVERING INDEX ix_assignments_reputation"
        if new_desk.store.dialect == "sqlite"
        else "ix_assignments_reputation"
    )
    assert how in ranked
    assert "worker_tags" in ranked
    assert not any(f"SCAN {table}" in ranked for table in ("assignments", "worker_tags"))
    assert "human_tasks" not in ranked


def test_a_reputation_is_read_by_indexes(new_desk: Desk) -> None:
    known(new_desk, "ann")
    did(new_desk, "ann", 5)
    for plan in plans(new_desk, lambda c: worker_search.profiles(c, ["ann"], test=False, at=LATER)):
        assert "ix_assignments_" in plan
        assert "Seq Scan" not in plan
        assert "SCAN" not in plan
