"""Intermezzo: `pii_detect` on each text of the sets, as an author calls it outside of a run; in CPU time."""

import asyncio
import time

from benchmarks.pii_sets import Span, add_arguments, read_all, score
from benchmarks.sample import arguments, report
from intermezzo import pii_detect


async def detect(text: str) -> list[Span]:
    output = await pii_detect.fn(text=text)
    return [Span(entity.start, entity.end, entity.type) for entity in output.entities]


async def main() -> None:
    parser = arguments(__doc__ or "")
    add_arguments(parser)
    options = parser.parse_args()
    sets = read_all(options.sets, options.n)
    await detect("Warm up: ann@example.com, +44 20 7946 0958")
    began = time.process_time()
    found = {name: [await detect(text) for text, _ in texts] for name, texts in sets.items()}
    seconds = time.process_time() - began
    count = sum(len(texts) for texts in sets.values())
    characters = sum(len(text) for texts in sets.values() for text, _ in texts)
    report(
        "ours",
        "pii",
        count,
        seconds=seconds,
        characters=characters,
        characters_per_second=characters / seconds,
        settings={"sets": list(sets)},
        **score(sets, found),
    )


if __name__ == "__main__":
    asyncio.run(main())
