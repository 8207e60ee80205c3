"""A page of the web becomes the text that a person sees, in bounded time and memory."""

import datetime as dt
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermezzo.errors import InvalidInput, ProviderError
from intermezzo.primitives import document_sandbox, html_text
from intermezzo.primitives.html_text import REST, Reading, read_html
from intermezzo.primitives.web_page import CUT, MAX_PAGE_BYTES, Page, cut, read_page
from intermezzo.settings import settings
from tests.web.site import Site, ok, redirect, running_site


def read(html: str, *, max_characters: int = 100_000) -> Reading:
    return read_html(html, max_characters=max_characters, page_url="https://example.com/a/b")


def text_of(html: str) -> str:
    return read(html).text


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setenv("INTERMEZZO_ALLOW_LOOPBACK", "1")
    settings.cache_clear()
    async with running_site() as site:
        yield site


async def page(site: Site, body: bytes, *headers: str, max_characters: int = 50_000) -> Page:
    site.answers = {"/": ok(body, *headers)}
    return await read_page(site.url, max_characters=max_characters)


# What is seen


ARTICLE = """<!doctype html>
<html><head><title> The   beetle &amp; I </title><style>p {}</style></head>
<body>
<nav><a href="/">Home</a> <a href="/about">About</a></nav>
<main><h1>The beetle</h1>
<p>Beetles are <b>insects</b>,
   says <a href="../who">a friend</a>.</p>
<ul><li>six legs</li><li><p>two wings</p></li></ul>
<table><tr><th>Kind</th><th>Legs</th></tr><tr><td>beetle</td><td>6</td></tr></table>
<pre>def legs():
    return 6
</pre>
</main>
<footer>All rights reserved</footer>
<script>track()</script></body></html>"""


def test_the_main_content_comes_first_and_reads_like_text() -> None:
    reading = read(ARTICLE)
    assert reading.title == "The beetle & I"
    assert reading.text == (
        "The beetle\n\nBeetles are insects, says a friend (https://example.com/who).\n\n- six legs\n- two wings\n\n"
        "Kind\tLegs\nbeetle\t6\n\ndef legs():\n    return 6\n\n"
        f"{REST}\nHome (https://example.com/) About (https://example.com/about)\n\nAll rights reserved"
    ).replace("- six legs\n- two wings", "- six legs\n\n- two wings")
    assert not reading.truncated


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>secret</script>", "<style>secret</style>", "<template><p>secret</p></template>",
        "<noscript>secret</noscript>", "<!-- secret -->", "<p hidden>secret</p>", "<p hidden=until-found>secret</p>",
        '<div aria-hidden="true"><p>secret</p></div>', "<div aria-hidden=TRUE>secret</div>",
        '<div style="display:none">secret</div>', '<div style="color:red; DISPLAY : NONE !important">secret</div>',
        '<div style="visibility:hidden"><b>secret</b></div>', '<tr style="visibility:collapse"><td>secret</td></tr>',
        '<div style="dis/**/play:none">secret</div>', '<div style="display:block;display:none">secret</div>',
        "<iframe>secret</iframe>", "<object>secret</object>", "<video>secret</video>", "<canvas>secret</canvas>",
        "<dialog>secret</dialog>", "<svg><title>secret</title><desc>secret</desc></svg>", "<?php secret ?>",
        "<![CDATA[secret]]>", "<head><meta name=description content=secret></head>", "<noframes>secret</noframes>",
        '<input type=hidden value="secret">', '<img alt="" title=secret>', "<datalist><option>secret</datalist>",
        "<div style='display:none'><div style='display:block'>secret</div></div>", "<script>/* </p> secret",
        "<p hidden>secret<p hidden>secret",
    ],
)  # fmt: skip
def test_what_a_person_does_not_see_is_left_out(hidden: str) -> None:
    assert text_of(f"<body><p>before</p>{hidden}").split() == ["before"]
    assert text_of(f"<main><p>before</p>{hidden}").split() == ["before"]


@pytest.mark.parametrize(
    "shown",
    [
        "<p aria-hidden=false>seen</p>", '<p style="display:block">seen</p>',
        '<p style="display:none;display:block">seen',
        '<p style="color:hidden">seen</p>', "<dialog open>seen</dialog>", "<details><summary>seen</summary></details>",
        "<button>seen</button>", "<textarea>seen</textarea>", "<svg><text>seen</text></svg>", "<unknown-tag>seen",
        "<p hidden>gone</p><p>seen", "<td>seen", "seen", "<p/>seen", "</div>seen", "<b><i>seen</b></i>",
        '<p style="">seen', '<p style=";;:">seen', "<title>seen",
    ],
)  # fmt: skip
def test_what_a_person_sees_is_kept(shown: str) -> None:
    reading = read(shown)
    assert "seen" in (reading.text, reading.title)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a  b\n\tc\xa0\xa0d", "a b c d"),
        ("<p>a</p>\n\n\n<p>b</p>", "a\n\nb"),
        ("a<br>b<br><br><br>c", "a\nb\nc"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("<b>a</b><i>b</i> c", "ab c"),
        ("<b>a </b>b", "a b"),
        ("<div><div><div><p>a</p></div></div></div>b", "a\n\nb"),
        ("<li>a<li><li>b", "- a\n- b"),
        ("<ul><li>a<ul><li>b</ul></ul>c", "- a\n\n- b\n\nc"),
        ("<tr><td>a</td> <td><b>b</b></td></tr>", "a\tb"),
        ("<table><tr><td>a<td>b<tr><td>c<td>d</table>", "a\tb\nc\td"),
        ("<pre>  a\n\n    b  c</pre>", "  a\n\n    b  c"),
        ("<pre>a\r\n<b>b</b>\nc</pre>d", "a\nb\nc\n\nd"),
        ("a\x00b\u200bc\u202ed\U000e0041e\xadf", "a�bcdef"),
        ("&lt;b&gt; &copy; &#128512; &nosuch;", "<b> © 😀 &nosuch;"),
        ("", ""),
        ("<p> \n </p>", ""),
    ],
)
def test_white_space_is_what_a_person_sees(html: str, text: str) -> None:
    assert text_of(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('<a href="/x">there</a>.', "there (https://example.com/x)."),
        ('<a href="c?d=1">there</a>', "there (https://example.com/a/c?d=1)"),
        ('<base href="https://other.example/z/"><a href="c">there</a>', "there (https://other.example/z/c)"),
        ('<a href="//cdn.example/x">there</a>', "there (https://cdn.example/x)"),
        ('<a href="https://example.com/">https://example.com/</a>', "https://example.com/"),
        ('<a href="/x"><h2>Big</h2></a> after', "Big (https://example.com/x)\n\nafter"),
        ('<a href="/x"><img src="i"></a>after', "after"),
        ('<a href="#here">here</a>', "here"),
        ('<a href="javascript:alert(1)">run</a>', "run"),
        ('<a href="mailto:a@b.c">mail</a>', "mail"),
        ('<a href="data:text/html,x">data</a>', "data"),
        ('<a href="http://[bad">bad</a>', "bad"),
        ('<a href="">x</a><a>y</a>', "xy"),
        (f'<a href="/{"x" * 600}">long</a>', "long"),
        ('<a href=" /x\n">there</a>', "there (https://example.com/x)"),
    ],
)
def test_links_keep_their_address(html: str, text: str) -> None:
    assert text_of(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<nav>n</nav><p>body</p><footer>f</footer>", f"body\n\n{REST}\nn\n\nf"),
        ("<p>a</p><div role=main>body</div><p>b</p>", f"body\n\n{REST}\na\n\nb"),
        ("<p>a</p><article>one</article><article>two</article>", f"one\n\ntwo\n\n{REST}\na"),
        ("<div role=navigation>n</div>body", f"body\n\n{REST}\nn"),
        ("<main></main><p>all</p>", "all"),
        ("<main hidden>x</main><p>all</p>", "all"),
        ("<div hidden><main>x</main></div><p>all</p>", "all"),
        ("<main><header>h</header>body<nav>n</nav></main>", "h\n\nbody\n\nn"),
    ],
)
def test_the_main_content_comes_first(html: str, text: str) -> None:
    assert text_of(html) == text


@pytest.mark.parametrize(
    ("html", "title"),
    [
        ("<title>a\n b</title>", "a b"),
        ("<body><svg><title>icon</title></svg><h1>The <b>head</b></h1>", "The head"),
        ("<title></title><h1>x</h1>", "x"),
        ("<p>none</p>", ""),
        (f"<title>{'t' * 1000}</title>", "t" * 300),
    ],
)
def test_the_title_is_the_pages_or_its_first_heading(html: str, title: str) -> None:
    assert read(html).title == title


# The budget


async def test_a_long_text_is_cut_between_words_and_says_so(site: Site) -> None:
    reading = await page(site, b"<p>" + b"word " * 1000, max_characters=100)
    assert reading.truncated
    assert len(reading.text) <= 100
    assert reading.text.endswith(f"word{CUT}")


def test_a_text_as_long_as_the_budget_is_not_cut() -> None:
    assert not read("<p>12345 789", max_characters=9).truncated
    assert read("<p>12345 7890", max_characters=9).truncated


def test_what_is_around_the_main_content_is_cut_first() -> None:
    reading = read(f"<nav>{'link ' * 1000}</nav><main>{'main ' * 10}</main>", max_characters=200)
    assert reading.text.startswith("main main")
    assert REST in reading.text
    assert reading.truncated


@given(st.text(max_size=300), st.integers(0, 300))
def test_a_cut_text_keeps_to_the_budget(text: str, max_characters: int) -> None:
    assert len(cut(text, max_characters)) <= max(max_characters, len(CUT))


async def test_plain_text_keeps_its_lines(site: Site) -> None:
    body = "\ufeffone\r\n  two  \n\n\n\nthree\x07\n".encode()
    reading = await page(site, body, "Content-Type: text/plain")
    assert (reading.title, reading.text, reading.truncated) == ("", "one\n  two\n\nthree", False)
    assert (await page(site, b"x" * 200, "Content-Type: text/plain", max_characters=100)).truncated


@given(st.text(alphabet=st.sampled_from("<>/ab =\"'!-[]&;\n\x00pliv"), max_size=200))
def test_any_markup_is_read(html: str) -> None:
    reading = read(html, max_characters=50)
    assert len(reading.text) <= 50


# Fetched


async def test_a_page_is_fetched_and_read(site: Site) -> None:
    site.answers = {"/old": redirect("/new?x=1"), "/new?x=1": ok(ARTICLE.encode(), "Content-Type: text/html")}
    before = dt.datetime.now(dt.UTC)
    page = await read_page(f"{site.url}/old")
    assert (page.url, page.title, page.truncated) == (f"{site.url}/new?x=1", "The beetle & I", False)
    assert f"a friend (http://localhost:{site.port}/who)" in page.text
    assert before <= page.fetched_at <= dt.datetime.now(dt.UTC)


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (b"<p>one</p>", "text/html", "one"),
        (b"<p>one</p>", "application/xhtml+xml", "one"),
        (b"  <p>one</p>", None, "one"),
        (b"<p>one</p>", "text/plain", "<p>one</p>"),
        (b"# one", "text/markdown; charset=utf-8", "# one"),
        (b'{"one": 1}', "application/json", '{"one": 1}'),
        (b"<one/>", "application/rss+xml", "<one/>"),
        (b"one", None, "one"),
        ("<p>жук".encode("koi8-r"), "text/html; charset=koi8-r", "жук"),
        ("<p>жук".encode("utf-16"), "text/html", "жук"),
        (b'<head><meta charset="koi8-r"></head><p>' + "жук".encode("koi8-r"), "text/html", "жук"),
        (b'<meta http-equiv=Content-Type content="text/html; charset=koi8-r">' + "жук".encode("koi8-r"), None, "жук"),
        (b'<?xml version="1.0" encoding="iso-8859-1"?><html><body>caf\xe9', "application/xhtml+xml", "café"),
        (b"", "text/html", ""),
    ],
)
async def test_html_and_plain_text_are_read(site: Site, body: bytes, content_type: str | None, text: str) -> None:
    headers = [f"Content-Type: {content_type}"] if content_type else []
    assert (await page(site, body, *headers)).text == text


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"%PDF-1.7", "application/pdf"),
        (b"%PDF-1.7", "text/html"),
        (b"\x89PNG\r\n", "image/png"),
        (b"<p>\x00\x00\x00", "text/html"),
        (b"PK\x03\x04\x00\x00", None),
        (b"x", "application/octet-stream"),
    ],
)
async def test_what_is_not_a_page_is_refused(site: Site, body: bytes, content_type: str | None) -> None:
    headers = [f"Content-Type: {content_type}"] if content_type else []
    with pytest.raises(InvalidInput, match=r"^url: expected a page in HTML or plain text, got .* document_parse"):
        await page(site, body, *headers)


async def test_a_page_that_is_too_large_is_refused(site: Site) -> None:
    with pytest.raises(ProviderError, match="more than the 10,485,760 bytes"):
        await page(site, bytes(MAX_PAGE_BYTES + 1))


async def test_an_address_that_is_not_public_is_refused() -> None:
    with pytest.raises(InvalidInput, match="expected a public address"):
        await read_page("http://127.0.0.1/")


HOSTILE = {
    "100,000 open tags": b"<div>" * 100_000 + b"deep",
    "100,000 nested tags": b"<div>" * 100_000 + b"deep" + b"</div>" * 100_000,
    "tags that never match": b"<b>" * 10_000 + b"</i>" * 10_000 + b"deep",
    "nested links": b"<a href=x>" * 10_000 + b"deep",
    "nested tables": b"<table><tr><td>" * 10_000 + b"deep",
    "open comments": b"deep" + b"<!--" * 200_000,
    "open tags without end": b"deep" + b"<a " * 200_000,
    "attributes without end": b"deep<a " + b"x=" * 500_000,
    "many attributes": b"deep<a " + b" ".join(b"a%d=1" % number for number in range(100_000)) + b">",
    "open entities": b"deep" + b"&" * 1_000_000,
    "open declarations": b"deep" + b"<![" * 200_000,
    "one long word": b"deep " + b"x" * 5_000_000,
    "formatting that is carried on": b"<p>".join([b"<b>" * 100] * 100) + b"deep",
    "a long style": b"deep<p style='" + b"a:b;" * 1_000_000 + b"'>",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_page_is_read(site: Site, name: str) -> None:
    assert (await page(site, HOSTILE[name], "Content-Type: text/html")).text.startswith("deep")


async def test_ten_megabytes_of_tags_are_read_as_far_as_they_may(site: Site) -> None:
    reading = await page(site, b"<i>x</i>" * 1_300_000, "Content-Type: text/html", max_characters=200_000)
    assert reading.truncated
    assert reading.text == "x" * (html_text.MAX_TAGS // 2) + CUT


async def test_a_page_that_takes_too_long_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_sandbox, "READING_SECONDS", 0.2)
    with pytest.raises(InvalidInput, match=r"^url: http://localhost.* cannot be read: the document takes more than"):
        await page(site, b"<i>x</i>" * 120_000, "Content-Type: text/html")
