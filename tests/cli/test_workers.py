"""`intermezzo workers` and `intermezzo guilds`: an operator at a terminal."""

import pytest

from tests.cli.conftest import Terminal


def test_an_operator_says_what_a_worker_can_do(terminal: Terminal) -> None:
    assert terminal("workers", "list").stdout == "Nothing is known of any worker.\n"
    terminal.json("guilds", "create", "medics", "--name", "Medical reviewers")
    terminal.json("guilds", "join", "medics", "ann")
    terminal.json("workers", "set", "ann", "--skill", "law=3", "--language", "EN", "--language", "de")
    terminal.json("workers", "set", "ann", "--daily-limit", "200")
    known = {
        "id": "ann",
        "skills": {"law": 3},
        "languages": ["de", "en"],
        "guilds": ["medics"],
        "suspended": None,
        "daily_limit": 200,
    }
    assert terminal.json("workers", "show", "ann") == {**known, "gold": []}
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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("workers", "set", "ann", "--skill", "law"), "expected NAME=LEVEL such as law=3, got 'law'"),
        (("workers", "set", "ann", "--skill", "law=6"), "law: a skill level is 1 to 5, got 6"),
        (("workers", "show", "two\nlines"), "a worker's id has 1 to 100 printable characters"),
        (("guilds", "create", "a b"), "a guild's id has 1 to 64 letters"),
        (("guilds", "join", "nobody", "ann"), "there is no guild 'nobody'"),
    ],
)
def test_mistakes_are_explained(terminal: Terminal, arguments: tuple[str, ...], said: str) -> None:
    failed = terminal(*arguments)
    assert failed.exit_code != 0
    assert said in failed.stderr
    assert "Traceback" not in failed.stderr
