"""Pictures of a pipeline: an SVG in layers from top to bottom, and the same as Mermaid text."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from intermezzo.pipelines.plan import Plan, PlannedStep

_BOX_HEIGHT, _GAP, _LAYER_GAP, _MARGIN = 62, 28, 54, 20
_LEAST_WIDTH, _CHARACTER_WIDTH, _LONGEST_LINE = 130, 7.6, 40
_STYLE = """
  text { font: 13px ui-sans-serif, system-ui, sans-serif; text-anchor: middle; fill: #1f2933; }
  .id { font-weight: 600; }
  .type { fill: #52606d; font-size: 12px; }
  .note { fill: #7b8794; font-size: 11px; font-style: italic; }
  .primitive { fill: #eef4fb; stroke: #6b8fb8; }
  .human { fill: #fdf3e3; stroke: #d19a45; }
  path { fill: none; stroke: #7b8794; stroke-width: 1.4; }
  .conditional { stroke-dasharray: 5 4; }
"""
_ARROW = """<defs>
<marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">
<path d="M0 0 L8 4 L0 8 z" style="fill:#7b8794;stroke:none"/></marker>
</defs>"""


@dataclass(frozen=True, slots=True)
class _Box:
    """A step in the picture."""

    lines: tuple[str, ...]
    kind: str
    x: float
    y: float
    width: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


def svg(plan: Plan) -> str:
    """The picture as SVG: AI steps blue, human steps yellow; dashed is what may be skipped."""
    boxes, width, height = _layout(plan)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" role="img">',
        f"<title>{escape(plan.document.name)}</title>",
        f"<style>{_STYLE}</style>",
        _ARROW,
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    parts += [_edge(boxes[need], boxes[id], dashed=_may_be_skipped(plan, id)) for need, id in _edges(plan)]
    parts += [_drawn(box, dashed=_may_be_skipped(plan, id)) for id, box in boxes.items()]
    return "\n".join([*parts, "</svg>\n"])


def mermaid(plan: Plan) -> str:
    """The picture as a Mermaid flowchart."""
    lines = ["flowchart TD"]
    for step in plan.steps.values():
        label = "<br/>".join(_mermaid_text(line) for line in _lines(step))
        opening, closing = ("([", "])") if step.step.kind == "human" else ("[", "]")
        lines.append(f'  s_{step.id}{opening}"{label}"{closing}')
    for need, id in _edges(plan):
        arrow = "-.->" if _may_be_skipped(plan, id) else "-->"
        lines.append(f"  s_{need} {arrow} s_{id}")
    lines.append("  classDef human fill:#fdf3e3,stroke:#d19a45")
    people = [f"s_{step.id}" for step in plan.steps.values() if step.step.kind == "human"]
    if people:
        lines.append(f"  class {','.join(people)} human")
    return "\n".join(lines) + "\n"


def _edges(plan: Plan) -> Iterator[tuple[str, str]]:
    for step in plan.steps.values():
        yield from ((need, step.id) for need in step.needs)


def _may_be_skipped(plan: Plan, id: str) -> bool:
    return plan.steps[id].when not in (None, True)


def _lines(step: PlannedStep) -> tuple[str, ...]:
    document = step.document
    notes = "for each" if step.repeats else ""
    if isinstance(document.when, str):
        when = " ".join(document.when.removeprefix("${").removesuffix("}").split())
        notes += f"{', ' if notes else ''}when {when}"
    lines = (step.id, document.type, notes)
    return tuple(line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 1] + "…" for line in lines if line)


def _layers(plan: Plan) -> list[list[str]]:
    """Steps by how many others come before them, each near what it follows, so that few lines cross."""
    depth: dict[str, int] = {}
    for id, step in plan.steps.items():
        depth[id] = max((depth[need] + 1 for need in step.needs), default=0)
    layers: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    place: dict[str, float] = {}
    for id in sorted(depth, key=lambda id: depth[id]):
        layers[depth[id]].append(id)
    for layer in layers:
        needs = {id: plan.steps[id].needs for id in layer}
        layer.sort(key=lambda id: sum(place[n] for n in needs[id]) / len(needs[id]) if needs[id] else 0.0)
        place.update({id: (index + 1) / (len(layer) + 1) for index, id in enumerate(layer)})
    return layers


def _layout(plan: Plan) -> tuple[dict[str, _Box], float, float]:
    layers = _layers(plan)
    lines = {step.id: _lines(step) for step in plan.steps.values()}
    widths = {id: max(_LEAST_WIDTH, 24 + _CHARACTER_WIDTH * max(map(len, text))) for id, text in lines.items()}
    rows = [sum(widths[id] for id in layer) + _GAP * (len(layer) - 1) for layer in layers]
    boxes: dict[str, _Box] = {}
    for number, layer in enumerate(layers):
        x = _MARGIN + (max(rows) - rows[number]) / 2
        y = _MARGIN + number * (_BOX_HEIGHT + _LAYER_GAP)
        for id in layer:
            boxes[id] = _Box(lines[id], plan.steps[id].step.kind, round(x, 1), y, round(widths[id], 1))
            x += widths[id] + _GAP
    height = 2 * _MARGIN + len(layers) * _BOX_HEIGHT + (len(layers) - 1) * _LAYER_GAP
    return boxes, round(2 * _MARGIN + max(rows), 1), height


def _edge(start: _Box, end: _Box, *, dashed: bool) -> str:
    y1, y2 = start.y + _BOX_HEIGHT, end.y - 2
    bend = (y2 - y1) / 2
    kind = ' class="conditional"' if dashed else ""
    curve = f"M{start.middle:g} {y1} C{start.middle:g} {y1 + bend:g} {end.middle:g} {y2 - bend:g} {end.middle:g} {y2}"
    return f'<path d="{curve}"{kind} marker-end="url(#arrow)"/>'


def _drawn(box: _Box, *, dashed: bool) -> str:
    kind = f"{box.kind} conditional" if dashed else box.kind
    shape = f'<rect class="{kind}" x="{box.x:g}" y="{box.y}" width="{box.width:g}" height="{_BOX_HEIGHT}" rx="8"/>'
    first = box.y + _BOX_HEIGHT / 2 - 9 * (len(box.lines) - 1) + 4
    texts = [
        f'<text class="{name}" x="{box.middle:g}" y="{first + 18 * index:g}">{escape(line)}</text>'
        for index, (name, line) in enumerate(zip(("id", "type", "note"), box.lines, strict=False))
    ]
    return "\n".join([shape, *texts])


def _mermaid_text(text: str) -> str:
    return "".join(f"#{ord(character)};" if character in '"#<>&[](){}|`\\' else character for character in text)
