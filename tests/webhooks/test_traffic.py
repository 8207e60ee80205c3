"""How much is under way at once, and when a server is left alone."""

from datetime import timedelta

from intermezzo.webhooks.traffic import MOST, MOST_OF_LANE, MOST_OF_ORG, Traffic
from tests.desk import START

LANE = "acme https://example.com:443"


def begin(traffic: Traffic, *lanes: str) -> None:
    for lane in lanes:
        traffic.begin(lane)


def test_a_server_gets_one_at_a_time_until_it_has_answered() -> None:
    traffic = Traffic()
    assert traffic.plan([LANE], at=START) == {LANE: 1}
    begin(traffic, LANE)
    assert traffic.plan([LANE], at=START) == {}
    traffic.end(LANE, answered=True, at=START)
    assert traffic.plan([LANE], at=START) == {LANE: MOST_OF_LANE}


def test_a_server_that_keeps_silent_is_left_alone_for_longer_and_longer() -> None:
    traffic, at, pauses = Traffic(), START, list[float]()
    for _ in range(12):
        assert traffic.plan([LANE], at=at) == {LANE: 1}
        begin(traffic, LANE)
        traffic.end(LANE, answered=False, at=at)
        pauses.append(max((traffic.free_at(LANE) - at).total_seconds(), 0))
        at += timedelta(seconds=pauses[-1])
    assert pauses == [0, 0, 0, 0, 10, 20, 40, 80, 160, 300, 300, 300]
    begin(traffic, LANE)
    traffic.end(LANE, answered=True, at=at)
    assert traffic.plan([LANE], at=at) == {LANE: MOST_OF_LANE}


def test_one_organisation_and_all_together_have_a_bound() -> None:
    traffic = Traffic()
    many = [f"acme https://{n}.example.com:443" for n in range(100)]
    assert sum(traffic.plan(many, at=START).values()) == MOST_OF_ORG
    begin(traffic, *many[:MOST_OF_ORG])
    assert traffic.plan(many[MOST_OF_ORG:], at=START) == {}
    others = [f"org{n} https://example.com:443" for n in range(100)]
    assert len(traffic.plan([*many, *others], at=START)) == MOST - MOST_OF_ORG
    begin(traffic, *others[: MOST - MOST_OF_ORG])
    assert traffic.plan(others, at=START) == {}


def test_what_nobody_knows_the_end_of_says_nothing_about_the_server() -> None:
    traffic = Traffic()
    for _ in range(10):
        begin(traffic, LANE)
        traffic.end(LANE, answered=None, at=START)
    assert traffic.plan([LANE], at=START) == {LANE: 1}


def test_servers_that_were_not_used_for_long_are_forgotten() -> None:
    traffic = Traffic()
    for n in range(10_050):
        begin(traffic, f"acme {n}")
        traffic.end(f"acme {n}", answered=True, at=START)
    assert traffic.plan(["acme 0"], at=START) == {"acme 0": 1}
    assert traffic.plan(["acme 10049"], at=START) == {"acme 10049": MOST_OF_LANE}


def test_of_an_organisation_with_very_many_servers_the_first_that_are_well_are_looked_into() -> None:
    traffic = Traffic()
    for _ in range(5):
        begin(traffic, "acme 0")
        traffic.end("acme 0", answered=False, at=START)
    due = {f"acme {n}": START for n in range(1_000)} | {LANE.replace("acme", "other"): START}
    assert list(traffic.choose(due, at=START)) == [f"acme {n}" for n in range(1, 65)] + [LANE.replace("acme", "other")]
    assert "acme 0" in traffic.choose(due, at=START + timedelta(seconds=10))
