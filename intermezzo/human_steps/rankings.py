"""Orders of the same options: how alike two are, and which one stands for several. Called by the measures.

Two rankings are as alike as the share of pairs of options that both put the same way round (Kendall's tau, from 0 to
1). What stands for several is the ranking with the fewest pairs the other way round in all of them, Kemeny's: unlike
Borda's mean rank it is always the one that more than half of the workers gave, if there is one, and the option that
beats every other in pairs comes first.
"""

from bisect import bisect
from collections.abc import Sequence
from itertools import combinations

MAX_EXACT_OPTIONS = 8
"""Most options of which every order is weighed, in two milliseconds; of more, only those that somebody gave."""

Order = tuple[int, ...]
"""The options by their numbers, the best first."""


def ranking_similarity(one: Order, other: Order) -> float:
    """The share of pairs of options that both rankings put the same way round; a single option has nothing to rank."""
    pairs = len(one) * (len(one) - 1) // 2
    return 1 - _swaps(one, other) / pairs if pairs else 1.0


def _swaps(one: Order, other: Order) -> int:
    rank = {option: position for position, option in enumerate(one)}
    seen: list[int] = []
    swaps = 0
    for option in other:
        place = bisect(seen, rank[option])
        swaps += len(seen) - place
        seen.insert(place, rank[option])
    return swaps


def central_ranking(given: Sequence[Order]) -> tuple[Order, bool]:
    """The ranking with the fewest pairs the other way round, and whether another has as few.

    Args:
        given: one or more rankings of the same options.
    """
    if len(given[0]) <= MAX_EXACT_OPTIONS:
        return _kemeny(given)
    distinct = sorted(set(given))
    totals = [sum(_swaps(order, other) for other in given) for order in distinct]
    return distinct[totals.index(min(totals))], totals.count(min(totals)) > 1


def _kemeny(given: Sequence[Order]) -> tuple[Order, bool]:
    """Among all orders, built from the front: the best way to begin with each set of options."""
    options = sorted(given[0])
    before = {pair: 0 for one, other in combinations(options, 2) for pair in ((one, other), (other, one))}
    for order in given:
        for pair in combinations(order, 2):
            before[pair] += 1
    best: dict[frozenset[int], tuple[int, Order, bool]] = {frozenset(): (0, (), False)}
    for _ in options:
        longer: dict[frozenset[int], tuple[int, Order, bool]] = {}
        for begun, (total, order, tied) in best.items():
            rest = [option for option in options if option not in begun]
            for option in rest:
                swapped = total + sum(before[later, option] for later in rest if later != option)
                key = begun | {option}
                known = longer.get(key)
                if known is None or swapped < known[0]:
                    longer[key] = (swapped, (*order, option), tied)
                elif swapped == known[0]:
                    longer[key] = (swapped, min(known[1], (*order, option)), True)
        best = longer
    [(_, order, tied)] = best.values()
    return order, tied
