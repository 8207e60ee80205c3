"""Who goes with whom: the pairs, each taken once, that have the most weight together. Called by the measures."""

from collections import Counter
from collections.abc import Mapping

Pair = tuple[int, int]

MAX_EXACT_SIDE = 10
"""Largest group that is solved exactly; it takes a fifth of a millisecond."""


def best_pairs(weights: Mapping[Pair, float]) -> list[Pair]:
    """The pairs with the most weight together, none sharing a member.

    Groups of pairs that are connected are solved one by one, and are small where things lie apart. One with more than
    `MAX_EXACT_SIDE` members on both sides is solved greedily, the heaviest pair first: at least half of the best.

    Args:
        weights: pair of (left, right) → its weight, above 0. Pairs that are missing cannot be.
    """
    chosen: list[Pair] = []
    lefts_taken = Counter(left for left, _ in weights)
    rights_taken = Counter(right for _, right in weights)
    contested: dict[Pair, float] = {}
    for (left, right), weight in weights.items():
        if lefts_taken[left] == rights_taken[right] == 1:
            chosen.append((left, right))
        else:
            contested[left, right] = weight
    for group in _groups(contested):
        lefts = sorted({left for left, _ in group})
        rights = sorted({right for _, right in group})
        if min(len(lefts), len(rights)) > MAX_EXACT_SIDE:
            chosen += _greedy(group, weights)
        elif len(lefts) <= len(rights):
            table = [[weights.get((left, right), 0.0) for right in rights] for left in lefts]
            chosen += [(lefts[i], rights[j]) for i, j in _assigned(table) if table[i][j]]
        else:
            table = [[weights.get((left, right), 0.0) for left in lefts] for right in rights]
            chosen += [(lefts[j], rights[i]) for i, j in _assigned(table) if table[i][j]]
    return chosen


def _groups(weights: Mapping[Pair, float]) -> list[list[Pair]]:
    """The pairs by connected component."""
    root: dict[Pair, Pair] = {}

    def find(node: Pair) -> Pair:
        while root.setdefault(node, node) != node:
            root[node] = root[root[node]]
            node = root[node]
        return node

    for left, right in weights:
        root[find((0, left))] = find((1, right))
    groups: dict[Pair, list[Pair]] = {}
    for left, right in weights:
        groups.setdefault(find((0, left)), []).append((left, right))
    return list(groups.values())


def _greedy(group: list[Pair], weights: Mapping[Pair, float]) -> list[Pair]:
    chosen: list[Pair] = []
    lefts: set[int] = set()
    rights: set[int] = set()
    for left, right in sorted(group, key=lambda pair: (-weights[pair], pair)):
        if left not in lefts and right not in rights:
            chosen.append((left, right))
            lefts.add(left)
            rights.add(right)
    return chosen


def _assigned(weights: list[list[float]]) -> list[Pair]:
    """The Hungarian algorithm with potentials: every row gets a column of its own, for the most weight in all.

    Args:
        weights: rows of one length, which is not below their number.
    """
    columns = len(weights[0])
    row_potential = [0.0] * (len(weights) + 1)
    column_potential = [0.0] * (columns + 1)
    row_of = [0] * (columns + 1)  # counted from 1; column 0 holds the row that is looking for one
    for row in range(1, len(weights) + 1):
        row_of[0] = row
        column = 0
        slack = [float("inf")] * (columns + 1)
        came_from = [0] * (columns + 1)
        visited = [False] * (columns + 1)
        while row_of[column]:
            visited[column] = True
            current = row_of[column]
            for other in range(1, columns + 1):
                reduced = -weights[current - 1][other - 1] - row_potential[current] - column_potential[other]
                if not visited[other] and reduced < slack[other]:
                    slack[other], came_from[other] = reduced, column
            nearest = min((other for other in range(1, columns + 1) if not visited[other]), key=slack.__getitem__)
            step = slack[nearest]
            for other in range(columns + 1):
                if visited[other]:
                    row_potential[row_of[other]] += step
                    column_potential[other] -= step
                else:
                    slack[other] -= step
            column = nearest
        while column:
            row_of[column] = row_of[came_from[column]]
            column = came_from[column]
    return [(row_of[column] - 1, column - 1) for column in range(1, columns + 1) if row_of[column]]
