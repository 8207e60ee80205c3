"""The root command: its help, its version, and how it ends."""

import pytest

from tests.cli.conftest import Terminal, run


def test_help_names_every_command_with_one_line_each(terminal: Terminal) -> None:
    result = terminal("--help")
    assert result.exit_code == 0
    for command in ("run", "step", "serve", "runs", "credits", "inbox"):
        assert f"\n  {command} " in result.stdout
    assert result.stdout.count("\n    intermezzo ") == 4


def test_every_command_has_help_and_json(terminal: Terminal) -> None:
    leaves = (
        "run|step|serve|runs list|runs show|runs cancel|credits balance|credits grant|credits entries|"
        "credits audit|inbox list|inbox claim|inbox show|inbox submit|inbox release"
    )
    for leaf in leaves.split("|"):
        result = terminal(*leaf.split(), "--help")
        assert result.exit_code == 0
        assert "--json" in result.stdout


def test_version_is_printed(terminal: Terminal) -> None:
    assert terminal("--version").stdout.startswith("intermezzo ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("nonsense", "No such command 'nonsense'"),
        ("runs list --nonsense", "No such option"),
        ("runs list --limit x", "'x' is not a valid integer"),
        ("credits grant", "Missing argument 'N'"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_code_2(terminal: Terminal, arguments: str, said: str) -> None:
    line = terminal.error(*arguments.split(), code=2)
    assert said in line
    assert "--help" in line


def test_a_group_alone_shows_its_help_and_fails(terminal: Terminal) -> None:
    result = terminal("credits")
    assert result.exit_code == 2
    assert "balance" in result.stderr


def test_a_bad_setting_is_named(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERMEZZO_ORG", "no spaces")
    assert "org: " in terminal.error("credits", "balance", code=2)


def test_a_store_that_cannot_be_opened_is_one_line(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERMEZZO_DATABASE_URL", "mysql://nowhere/none")
    assert "sqlite or postgresql" in terminal.error("runs", "list", code=1)


def test_a_traceback_is_shown_on_request_only(environment: dict[str, str]) -> None:
    quiet = run(environment, "runs", "show", "none")
    assert quiet.stderr.decode().splitlines() == [
        "error: there is no run 'none'; `intermezzo runs list` shows those there are"
    ]
    loud = run({**environment, "INTERMEZZO_DEBUG": "1"}, "runs", "show", "none")
    assert loud.returncode == quiet.returncode == 2
    assert b"Traceback" in loud.stderr
