"""What a worker sees, and what an input can never make a worker see."""

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pydantic import JsonValue, ValidationError

from intermezzo.errors import DefinitionError
from intermezzo.human_steps import controls
from intermezzo.human_steps.controls import (
    Markdown,
    default_controls,
    escaped,
    fenced,
    parse_controls,
    quoted,
)

COMMONMARK = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def test_controls_are_the_json_they_came_from() -> None:
    given: list[dict[str, str]] = [
        {"type": "title", "value": "Look"},
        {"type": "markdown", "value": "**here**"},
        {"type": "divider"},
        {"type": "link", "url": "https://example.com/a", "text": "there"},
        {"type": "image", "url": "http://example.com/a.png", "alt": "a cat"},
        {"type": "audio", "url": "https://example.com/a.mp3"},
    ]
    assert [control.model_dump(mode="json") for control in parse_controls(given)] == given


def test_constructors_make_controls() -> None:
    made = [
        controls.title("Look"),
        controls.markdown("*x*"),
        controls.divider(),
        controls.link("https://example.com/"),
        controls.image("https://example.com/a.png"),
        controls.audio("https://example.com/a.mp3"),
    ]
    assert parse_controls([control.model_dump() for control in made]) == made
    assert made[3].model_dump() == {
        "type": "link",
        "url": "https://example.com/",
        "text": "https://example.com/",
    }


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        " https://example.com/",
        "//example.com",
        "data:text/html,x",
        'http://a/"onload="x',
    ],
)
def test_addresses_that_could_act_in_the_browser_are_refused(url: str) -> None:
    for make in (controls.link, controls.image, controls.audio):
        with pytest.raises(DefinitionError, match="url"):
            make(url)


@pytest.mark.parametrize(
    "bad", [[{"type": "script"}], [{"type": "title"}], [{"type": "title", "value": "x", "on": 1}], 5]
)
def test_unknown_controls_are_refused(bad: object) -> None:
    with pytest.raises(DefinitionError, match="controls: "):
        parse_controls(bad)


def test_controls_are_frozen() -> None:
    with pytest.raises(ValidationError):
        controls.title("a").value = "b"  # pyright: ignore[reportAttributeAccessIssue]


def test_an_unknown_input_is_shown_field_by_field() -> None:
    shown = default_controls({"text": "Great, isn't it?", "n": -3, "ok": True, "none": None, "empty": " ", "tags": []})
    assert shown == [
        Markdown(value="**text:** Great, isn't it?"),
        Markdown(value=r"**n:** \-3"),
        Markdown(value="**ok:** true"),
        Markdown(value="**none:** null"),
        Markdown(value="**empty:** *(empty)*"),
        Markdown(value=r"**tags:** \[\]"),
    ]


def test_nested_values_are_shown_as_fenced_json() -> None:
    assert default_controls({"box": {"x": 1}}) == [Markdown(value='**box:**\n\n```json\n{\n  "x": 1\n}\n```')]


def test_several_lines_are_quoted_and_code_keeps_its_indents() -> None:
    assert default_controls({"a": "one\n# two"}) == [Markdown(value="**a:**\n\n> one  \n> \\# two")]
    assert default_controls({"a": "if x:\n    y"}) == [Markdown(value="**a:**\n\n```\nif x:\n    y\n```")]


def test_a_fence_is_longer_than_any_in_the_text() -> None:
    assert fenced("a\n````\nb") == "`````\na\n````\nb\n`````"


ALLOWED = {"paragraph_open", "paragraph_close", "inline", "blockquote_open", "blockquote_close", "fence"}
ALLOWED_INLINE = {
    "text",
    "softbreak",
    "hardbreak",
    "strong_open",
    "strong_close",
    "em_open",
    "em_close",
    "text_special",
}

nasty = st.lists(
    st.sampled_from(
        [*"\n\r\t #*_`~-+=<>[]()!|\\&:@.$1a", "# h", "[x](http://e.com)", "<b>", "<http://e.com>", "```",
         "---",
         "1. ", "    ", "http://e.com", "www.e.com", "&lt;", "![i](http://e)", "\u2028", "javascript:"]
    ),
    max_size=12,
).map("".join) | st.text(max_size=30)  # fmt: skip


@given(nasty, nasty)
@example("# x", "**[click](http://e.com)**")
def test_no_value_can_fake_a_heading_a_link_or_html(name: str, value: str) -> None:
    (control,) = default_controls({name: value})
    assert isinstance(control, Markdown)
    tokens = COMMONMARK.parse(control.value)
    assert {token.type for token in tokens} <= ALLOWED
    inline = [child for token in tokens for child in token.children or []]
    assert {child.type for child in inline} <= ALLOWED_INLINE
    assert [token.type for token in tokens][:3] == ["paragraph_open", "inline", "paragraph_close"]


@given(nasty)
def test_an_escaped_or_quoted_text_reads_as_it_was(value: str) -> None:
    def read(markdown: str) -> list[str]:
        return html.unescape(re.sub(r"</?(p|br|blockquote)( /)?>", " ", COMMONMARK.render(markdown))).split()

    clean = value.replace("\x00", "\ufffd")
    assert read(f"x {escaped(value)}") == ["x", *clean.split()]
    assert read(quoted(value)) == clean.split()


@given(nasty)
def test_no_bare_address_is_left_for_a_renderer_to_link(value: str) -> None:
    assert not re.search(r"://|www\.|@", escaped(value), re.IGNORECASE)


@given(st.dictionaries(st.text(max_size=4), st.lists(nasty, min_size=1, max_size=3), min_size=1, max_size=3))
def test_nested_values_stay_in_their_fence(value: dict[str, JsonValue]) -> None:
    (control,) = default_controls({"v": value})
    assert isinstance(control, Markdown)
    assert [token.type for token in COMMONMARK.parse(control.value)][3:] == ["fence"]
