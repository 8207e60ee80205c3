"""Ids that sort by time."""

import itertools
import uuid

from intermezzo.store import new_id


def test_ids_are_uuids_of_version_7_and_all_different() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert len(set(ids)) == len(ids)
    assert {(uuid.UUID(id).version, uuid.UUID(id).variant, len(id)) for id in ids} == {(7, uuid.RFC_4122, 36)}


def test_ids_made_one_after_another_sort_in_that_order() -> None:
    ids = [new_id() for _ in range(10_000)]
    displaced = sum(earlier > later for earlier, later in itertools.pairwise(ids))
    # Two of the same quarter of a microsecond may stand either way round.
    assert displaced < len(ids) / 10
    assert ids[::100] == sorted(ids[::100])
