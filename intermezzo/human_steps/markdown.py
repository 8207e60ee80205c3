"""What authors write as HTML that is safe to show. Called by whatever makes pages.

Two libraries in a row: markdown-it-py makes HTML of CommonMark and shows HTML in it as text, nh3 lets
through only what is listed here. Both are imported at first use, so that Intermezzo starts fast.
"""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from nh3 import Cleaner

MAX_MARKDOWN_CHARACTERS = 200_000
"""Longest text that is rendered; longer ones are shown as they are."""

_BLOCKS = {"h1", "h2", "h3", "h4", "h5", "h6", "p", "hr", "blockquote", "pre", "ul", "ol", "li"}
_TABLES = {"table", "thead", "tbody", "tr", "th", "td"}
_INLINE = {"br", "code", "em", "strong", "s", "a", "img"}
_ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}, "code": {"class"}}
_LINK_SCHEMES = {"http", "https", "mailto"}
_IMAGE_SCHEMES = ("http://", "https://")


def render_markdown(text: str) -> str:
    """CommonMark, with tables and strikethrough, as safe HTML.

    Links go to http, https and mailto addresses, and tell the page they lead to nothing; images come from http and
    https addresses; HTML in the text is shown as text. Everything else is left out.
    """
    if len(text) > MAX_MARKDOWN_CHARACTERS:
        from html import escape

        return f"<pre>{escape(text)}</pre>"
    return _cleaner().clean(_parser().render(text))


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


@cache
def _cleaner() -> "Cleaner":
    from nh3 import Cleaner

    return Cleaner(
        tags=_BLOCKS | _TABLES | _INLINE,
        attributes=_ATTRIBUTES,
        attribute_filter=_safe_attribute,
        url_schemes=_LINK_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )


def _safe_attribute(tag: str, attribute: str, value: str) -> str | None:
    if (tag, attribute) == ("img", "src"):
        return value if value.lower().startswith(_IMAGE_SCHEMES) else None
    if (tag, attribute) == ("a", "href"):
        # nh3 lets relative addresses pass, which would lead into the page's own site.
        return value if value.lower().startswith((*_IMAGE_SCHEMES, "mailto:")) else None
    if attribute == "class":
        return value if value.startswith("language-") and " " not in value else None
    return value
