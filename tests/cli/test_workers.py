"""`intermezzo workers` and `intermezzo guilds`: an operator at a terminal."""

import pytest

from intermezzo.human_steps.terms import Terms
from intermezzo.store import utc_now
from tests.cli.conftest import Terminal
from tests.desk import Desk


def test_an_operator_says_what_a_worker_can_do(terminal: Terminal) -> None:
    assert terminal("workers", "list").stdout == "Nothing is known of any worker.\n"
    terminal.json("guilds", "create", "medics", "--name", "Medical reviewers")
    terminal.json("guilds", "join", "medics", "ann")
    terminal.json("workers", "set", "ann", "--skill", "law=3", "--language", "EN", "--language", "de")
    terminal.json("workers", "set", "ann", "--daily-limit", "200")
    known = {
        "id": "ann", "skills": {"law": 3}, "languages": ["de", "en"], "guilds": ["medics"], "email": None,
        "background": {}, "suspended": None, "daily_limit": 200,
    }  # fmt: skip
    shown = terminal.json("workers", "show", "ann")
    assert {name: shown[name] for name in known} == known
    assert shown["gold"] == []
    assert terminal.json("workers", "list") == [known]
    assert "law 3" in terminal("workers", "list").stdout
    [guild] = terminal.json("guilds", "list")
    assert guild == {"id": "medics", "name": "Medical reviewers", "kind": "community", "members": 1}
    terminal.json("guilds", "leave", "medics", "ann")
    assert terminal.json("workers", "show", "ann")["guilds"] == []


def test_an_operator_suspends_and_reinstates_a_worker(terminal: Terminal) -> None:
    terminal.json("workers", "suspend", "bob", "--reason", "answers at random")
    assert terminal.json("workers", "show", "bob")["suspended"] == "answers at random"
    assert terminal("workers", "reinstate", "bob").stdout == "bob may work again\n"
    assert terminal.json("workers", "show", "bob")["suspended"] is None


PROFILE = '{"country": "Peru", "hourly_rate_min_cents": 2500, "certifications": [{"name": "HIPAA"}]}'


def test_workers_are_described_found_and_shown_with_their_reputation(terminal: Terminal, desk: Desk) -> None:
    terminal.json("workers", "set", "ann", "--skill", "law=3", "--email", "Ann@Example.com", "--profile", PROFILE)
    now = utc_now()
    task = desk.post_under(Terms(type="label_text", domain="FIN"), at=now)
    desk.answer("ann", task, at=now)
    desk.score(desk.assignment(task, "ann") or "", 8, at=now)
    [found] = terminal.json("workers", "search", "--skill", "LAW", "--domain", "FIN", "--min-score", "8")["workers"]
    assert (found["id"], found["background"]["country"]) == ("ann", "Peru")
    in_finance = found["reputation"]["by_domain"]["FIN"]
    assert (in_finance["tasks"], in_finance["score_average"], in_finance["answers"]) == (1, 8.0, 1)
    assert "example.com" not in terminal("workers", "search").stdout
    shown = terminal("workers", "show", "ann").stdout
    assert "country: Peru" in shown
    assert "domain FIN" in shown
    assert terminal.json("workers", "show", "ann")["email"] == "ann@example.com"
    assert terminal("workers", "search", "--country", "Chile").stdout == "No such worker is known.\n"
    assert "No answer was given yet." in terminal("workers", "show", "ann", "--test").stdout
    terminal.json("workers", "set", "bob")
    assert "More: --cursor" in terminal("workers", "search", "--limit", "1").stdout


def test_guilds_are_described_found_and_shown(terminal: Terminal) -> None:
    terminal.json("guilds", "create", "medics", "--name", "Medical reviewers")
    terminal.json("guilds", "join", "medics", "ann")
    terminal.json("guilds", "set", "medics", "--profile", '{"summary": "We read charts.", "domains": ["MED"]}')
    [found] = terminal.json("guilds", "directory", "--domain", "MED", "--text", "charts")["guilds"]
    assert (found["id"], found["members"], found["profile"]["summary"]) == ("medics", 1, "We read charts.")
    assert "We read charts." in terminal("guilds", "directory").stdout
    assert terminal("guilds", "directory", "--country", "Peru").stdout == "There is no such guild.\n"
    assert "domains: MED" in terminal("guilds", "show", "medics").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("workers", "set", "ann", "--skill", "law"), "expected NAME=LEVEL such as law=3, got 'law'"),
        (("workers", "set", "ann", "--skill", "law=6"), "law: a skill level is 1 to 5, got 6"),
        (("workers", "show", "two\nlines"), "a worker's id has 1 to 100 printable characters"),
        (("guilds", "create", "a b"), "a guild's id has 1 to 64 letters"),
        (("workers", "set", "ann", "--email", "ann"), "an e-mail address looks like ann@example.com, got 'ann'"),
        (("workers", "set", "ann", "--profile", '{"bia": ""}'), "bia: unknown field; the fields are bio, country"),
        (("workers", "set", "ann", "--profile", '{"country": ""}'), "country: "),
        (("workers", "search", "--cursor", "x"), "cursor: expected the next_cursor"),
        (("guilds", "set", "nobody", "--profile", "{}"), "there is no guild 'nobody'"),
        (("guilds", "join", "nobody", "ann"), "there is no guild 'nobody'"),
    ],
)
def test_mistakes_are_explained(terminal: Terminal, arguments: tuple[str, ...], said: str) -> None:
    failed = terminal(*arguments)
    assert failed.exit_code != 0
    assert said in failed.stderr
    assert "Traceback" not in failed.stderr
