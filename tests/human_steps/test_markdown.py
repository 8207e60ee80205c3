"""Markdown of authors as HTML: what it means is shown, and nothing in it acts."""

import re
import subprocess
import sys
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermezzo.human_steps.controls import default_controls
from intermezzo.human_steps.markdown import MAX_MARKDOWN_CHARACTERS, render_markdown

SAFE_TAGS = set(
    "h1 h2 h3 h4 h5 h6 p br hr blockquote pre code em strong s a img ul ol li table thead tbody tr th td".split()  # noqa: SIM905
)
SAFE_ATTRIBUTES = {
    ("a", "href"): r"(https?://|mailto:).*",
    ("a", "title"): r".*",
    ("a", "rel"): r"noopener noreferrer nofollow",
    ("img", "src"): r"https?://.*",
    ("img", "alt"): r".*",
    ("img", "title"): r".*",
    ("ol", "start"): r"\d+",
    ("code", "class"): r"language-\S*",
}


class _Reader(HTMLParser):
    """The tags of a text, and what a person reads of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_safe(html: str) -> _Reader:
    """Only what is listed above, and every link tells the page it leads to nothing."""
    read = _Reader(html)
    for tag, attributes in read.tags:
        assert tag in SAFE_TAGS, html
        for name, value in attributes.items():
            rule = SAFE_ATTRIBUTES.get((tag, name))
            assert rule is not None, html
            assert re.fullmatch(rule, value or "", re.IGNORECASE | re.DOTALL), html
        assert tag != "a" or "rel" in attributes, html
    assert not re.search(r"<!--|<!\[CDATA|<\?", html)
    return read


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("# Look\n\n**here** and *there*", "<h1>Look</h1>\n<p><strong>here</strong> and <em>there</em></p>\n"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("3. c", '<ol start="3">\n<li>c</li>\n</ol>\n'),
        ("a  \nb", "<p>a<br>\nb</p>\n"),
        ("~~no~~", "<p><s>no</s></p>\n"),
        ("> `x < y`", "<blockquote>\n<p><code>x &lt; y</code></p>\n</blockquote>\n"),
        ("```py\n1\n```", '<pre><code class="language-py">1\n</code></pre>\n'),
        ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>\n"),
        (
            "[x](https://e.com/?a=1&b=2 't')",
            '<p><a href="https://e.com/?a=1&amp;b=2" title="t" rel="noopener noreferrer nofollow">x</a></p>\n',
        ),
        ("<mailto:a@e.com>", '<p><a href="mailto:a@e.com" rel="noopener noreferrer nofollow">mailto:a@e.com</a></p>\n'),
        ("![a cat](HTTP://e.com/c.png)", '<p><img src="HTTP://e.com/c.png" alt="a cat"></p>\n'),
        ("", ""),
    ],
)
def test_markdown_becomes_the_html_it_means(markdown: str, html: str) -> None:
    assert render_markdown(markdown) == html
    assert_safe(html)


def test_a_table_is_a_table() -> None:
    tags = [tag for tag, _ in assert_safe(render_markdown("|a|b|\n|:-:|-|\n|1|2|")).tags]
    assert tags == ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]


ACTIVE_ADDRESSES = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "&#106;avascript:alert(1)",
    "&#x6A;&#x61;vascript&colon;alert(1)",
    "\x01javascript:alert(1)",
    "%6Aavascript:alert(1)",
    "vbscript:msgbox(1)",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD4=",
    "data:image/svg+xml,<svg onload=alert(1)>",
    "data:image/png;base64,AAAA",
    "file:///etc/passwd",
    "blob:https://e.com/x",
    "view-source:https://e.com",
    "//e.com/x",
    "/account/delete",
    "?delete=1",
    "#x",
    "\\\\e.com\\x",
    "ftp://e.com/",
    "tel:123",
    "intent://x",
]


@pytest.mark.parametrize("address", ACTIVE_ADDRESSES)
@pytest.mark.parametrize("markdown", ["[x]({})", "[x](<{}>)", "![x]({})", "![x](<{}>)", "<{}>", "[x][r]\n\n[r]: {}"])
def test_no_address_acts_or_stays_in_the_page(markdown: str, address: str) -> None:
    for tag, attributes in assert_safe(render_markdown(markdown.format(address))).tags:
        assert not {"href", "src"} & set(attributes), (tag, attributes)


HTML = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//e.com/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    '<img src="https://e.com/a.png" onload="alert(1)">',
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img src onerror=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<object data=x></object><embed src=x>",
    "<form action=//e.com><input name=csrf><button>go",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=https://e.com style='position:fixed;inset:0'>x</a>",
    "<style>*{background:url(//e.com)}</style>",
    "<link rel=stylesheet href=//e.com>",
    "<meta http-equiv=refresh content='0;url=//e.com'>",
    "<base href=//e.com>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)>",
    "<div id=x name=y class=admin>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<!-- --><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php echo 1 ?>",
    "<title></title><plaintext>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<x onclick=alert(1)>",
]


@pytest.mark.parametrize("html", HTML)
@pytest.mark.parametrize(
    "markdown", ["{}", "a {} b", "- {}", "> {}", "# {}", "[{}](https://e.com)", "![{}](https://e.com/a.png)", "`{}`",
                 "```\n{}\n```", "```{}\n```", "|{}|\n|-|\n|{}|", '[x](https://e.com "{}")', "[x](https://e.com/{})"]
)  # fmt: skip
def test_html_is_shown_as_text_wherever_it_stands(markdown: str, html: str) -> None:
    assert_safe(render_markdown(markdown.replace("{}", html)))


def test_html_reads_as_it_was_written() -> None:
    for html in HTML:
        if not html.startswith("&"):
            assert assert_safe(render_markdown(f"a {html} b")).text == f"a {html} b\n"


nasty = st.lists(
    st.sampled_from(
        [*HTML, *ACTIVE_ADDRESSES, *"\n\t #*_`~-+=<>[]()!|\\&:@.\"'1a", "](", "![", "[x]: ", "```", "\x00"]
    ),
    max_size=12,
).map("".join)


@given(nasty | st.text(max_size=60))
def test_nothing_in_any_text_acts(text: str) -> None:
    assert_safe(render_markdown(text))


@given(nasty)
def test_values_of_an_input_read_as_they_are(value: str) -> None:
    (control,) = default_controls({"v": value})
    html = render_markdown(control.model_dump()["value"])
    assert {tag for tag, _ in assert_safe(html).tags} <= {"p", "strong", "em", "br", "blockquote", "pre", "code"}


@pytest.mark.parametrize(
    "text", ["[" * 50_000, "*a " * 30_000, "> " * 50_000, "- " * 50_000, "`" * 90_000, "<" * 90_000]
)
def test_a_hostile_text_takes_bounded_time(text: str) -> None:
    started = time.perf_counter()
    assert_safe(render_markdown(text))
    assert time.perf_counter() - started < 10


def test_a_text_too_long_to_render_is_shown_as_it_is() -> None:
    assert render_markdown("<b>" * MAX_MARKDOWN_CHARACTERS).startswith("<pre>&lt;b&gt;")


LAZY = """
import sys
import intermezzo.human_steps.markdown, intermezzo.human_steps.forms
from intermezzo import human_step
assert not {"markdown_it", "nh3", "jsonschema"} & sys.modules.keys()
intermezzo.human_steps.markdown.render_markdown("x")
assert {"markdown_it", "nh3"} <= sys.modules.keys()
"""


def test_the_libraries_are_imported_at_first_use() -> None:
    subprocess.run([sys.executable, "-c", LAZY], check=True, timeout=60)
