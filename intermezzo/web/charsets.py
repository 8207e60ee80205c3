"""Turning bytes of the web into text; called for pages, and for text that says its charset.

Only encodings that web pages have (those of the WHATWG Encoding Standard) are used: Python knows many more names, some
of which take quadratic time (`punycode`) or run escapes (`unicode_escape`), and a server could ask for them.
"""

import codecs
import re

_SAME_NAME = (
    "big5 euc-jp gb18030 ibm866 iso-2022-jp iso-8859-2 iso-8859-3 iso-8859-4 iso-8859-5 iso-8859-6 iso-8859-7 "
    "iso-8859-8 iso-8859-10 iso-8859-13 iso-8859-14 iso-8859-15 iso-8859-16 koi8-r koi8-u utf-8 utf-16 utf-16be "
    "utf-16le windows-1250 windows-1251 windows-1252 windows-1253 windows-1254 windows-1255 windows-1256 "
    "windows-1257 windows-1258"
)

_ENCODINGS = {
    **{name: name for name in _SAME_NAME.split()},
    # As browsers read them: what says Latin-1 or ASCII is mostly written on Windows, and so on.
    **dict.fromkeys(["ascii", "us-ascii", "iso-8859-1", "iso8859-1", "latin1", "latin-1", "cp1252"], "windows-1252"),
    **dict.fromkeys(["iso-8859-9", "latin5"], "windows-1254"),
    **dict.fromkeys(["iso-8859-11", "tis-620", "windows-874"], "cp874"),
    **dict.fromkeys(["gbk", "gb2312", "x-gbk", "gb_2312-80"], "gb18030"),
    **dict.fromkeys(["shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j", "ms_kanji"], "cp932"),
    **dict.fromkeys(["euc-kr", "ks_c_5601-1987", "ksc5601", "windows-949"], "cp949"),
    **dict.fromkeys(["big5-hkscs", "cn-big5", "x-x-big5"], "big5hkscs"),
    **dict.fromkeys(["macintosh", "x-mac-roman", "mac"], "mac_roman"),
    **dict.fromkeys(["x-mac-cyrillic", "x-mac-ukrainian"], "mac_cyrillic"),
    **dict.fromkeys(["utf8", "unicode-1-1-utf-8"], "utf-8"),
    **dict.fromkeys(["latin2", "iso8859-2"], "iso-8859-2"),
    **dict.fromkeys(["koi8", "koi", "koi8_r"], "koi8-r"),
    **dict.fromkeys(["cp1250", "x-cp1250"], "windows-1250"),
    **dict.fromkeys(["cp1251", "x-cp1251"], "windows-1251"),
    **dict.fromkeys(["cp866", "866"], "ibm866"),
}

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# Blanks and quotes in one class: with `\s*"?\s*`, each blank could be read in two ways, and many took minutes.
_CHARSET = re.compile(r"charset\s*=[\s\"']*([\w.:-]{1,40})", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta\b[^>]{0,500}?charset\s*=[\s\"']*([\w.:-]{1,40})", re.IGNORECASE)
_HEAD_BYTES = 4_096


def known_encoding(label: str) -> str | None:
    """Python's name of an encoding that web pages have; None for any other."""
    return _ENCODINGS.get(label.strip().lower())


def declared_charset(content_type: str) -> str | None:
    """The charset that a Content-Type header names, as it is written there."""
    found = _CHARSET.search(content_type)
    return found[1] if found else None


def decode_page(content: bytes, content_type: str) -> str:
    """The text of a page.

    Its byte order mark decides, then the header, then the page's own `<meta>`; a charset that is not known counts as
    none, and without one it is UTF-8 if it fits, else Windows-1252. Bytes that do not fit become U+FFFD.

    Args:
        content: the page.
        content_type: the header it came with.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    if encoding := known_encoding(declared_charset(content_type) or ""):
        return content.decode(encoding, "replace")
    if encoding := _meta_encoding(content[:_HEAD_BYTES]):
        return content.decode(encoding, "replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("windows-1252", "replace")


def _meta_encoding(head: bytes) -> str | None:
    found = _META_CHARSET.search(head)
    encoding = known_encoding(found[1].decode("ascii")) if found else None
    # Whoever can read that line has not read UTF-16.
    return "utf-8" if encoding and encoding.startswith("utf-16") else encoding
