"""`intermezzo webhooks`: an operator at a terminal."""

import pytest

from tests.cli.conftest import Terminal

URL = "https://example.com/hook"


def test_a_webhook_is_made_listed_pinged_rotated_and_disabled(terminal: Terminal) -> None:
    id, secret = terminal("webhooks", "create", URL, "--event", "task.completed").stdout.split()
    assert secret.startswith("whsec_")
    [listed] = terminal.json("webhooks", "list")
    assert (listed["id"], listed["url"], listed["events"]) == (id, URL, ["task.completed"])
    assert secret not in terminal("webhooks", "list", "--json").stdout
    assert "is on its way" in terminal("webhooks", "ping", id).stdout
    [delivery] = terminal.json("webhooks", "deliveries", "--state", "pending", "--webhook", id)
    assert (delivery["event"], delivery["attempts"]) == ("ping", 0)
    assert "0 of 4" in terminal("webhooks", "deliveries").stdout
    assert "is on its way" in terminal("webhooks", "redeliver", delivery["id"]).stdout
    assert terminal("webhooks", "rotate", id).stdout.startswith("whsec_")
    assert "is disabled" in terminal("webhooks", "disable", id).stdout
    assert "disabled" in terminal("webhooks", "list").stdout
    assert "is enabled" in terminal("webhooks", "enable", id).stdout
    assert terminal.json("webhooks", "create")["url"] is None


def test_there_is_nothing_of_others(terminal: Terminal) -> None:
    terminal("webhooks", "create", URL, "--test")
    assert terminal("webhooks", "list").stdout.startswith("There is no webhook")
    assert terminal("webhooks", "deliveries").stdout == "Nothing was delivered yet.\n"
    assert len(terminal.json("webhooks", "list", "--test")) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "https://10.0.0.1/"), "url: expected a public address"),
        (("create", URL, "--event", "task.done"), "events: expected some of task.completed"),
        (("rotate", "nothing"), "there is no webhook 'nothing'"),
        (("redeliver", "nothing"), "there is no delivery 'nothing'"),
    ],
)
def test_what_cannot_be_is_refused(terminal: Terminal, arguments: tuple[str, ...], said: str) -> None:
    assert said in terminal.error("webhooks", *arguments, code=2)
