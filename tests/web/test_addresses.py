"""The table of addresses, the reading of URLs and of charsets: what needs no connection."""

import contextlib
import time
import zlib
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermezzo.errors import InvalidInput
from intermezzo.web import Guard, decode_page, known_encoding, parse_url, shown_url
from intermezzo.web.addresses import is_public, parse_address
from intermezzo.web.body import Compression, Inflater
from tests.web.corpus import NOT_PUBLIC_ADDRESSES, PUBLIC_ADDRESSES
from tests.web.site import gzipped


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_public_addresses_are_public(address: str) -> None:
    parsed = parse_address(address)
    assert parsed
    assert is_public(parsed)


@pytest.mark.parametrize("address", [address for group in NOT_PUBLIC_ADDRESSES.values() for address in group])
def test_every_other_address_is_not(address: str) -> None:
    parsed = parse_address(address)
    assert parsed
    assert not is_public(parsed)


@given(st.ip_addresses())
def test_what_python_knows_to_be_special_is_never_public(address: IPv4Address | IPv6Address) -> None:
    special = (
        address.is_private
        or address.is_multicast
        or address.is_loopback
        or address.is_link_local
        or address.is_reserved
        or address.is_unspecified
    )
    assert not (special and is_public(address))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_wrapped_into_ipv6_is_never_more_public(address: IPv4Address) -> None:
    number = int(address)
    wrapped = [number, 0xFFFF_0000_0000 | number, 0x64_FF9B << 96 | number, 0x2002 << 112 | number << 80]
    wrapped += [0x2001 << 112 | number ^ 0xFFFF_FFFF, 0x2A00 << 112 | 0x5EFE << 32 | number]
    assert not any(is_public(IPv6Address(each)) for each in wrapped)
    assert parse_address(f"::ffff:{address}") == address


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "0x7f.0.0.1", "017700000001", "127.0.0.1 ", "::1]", "\uff11.1.1.1"]
)
def test_only_the_usual_spelling_is_an_address(text: str) -> None:
    assert parse_address(text) is None


@given(st.text(max_size=60), st.sampled_from(["", "http://", "http://8.8.8.8", "http://[", "//", "http:\\\\"]))
def test_any_text_is_read_or_refused_and_what_is_read_is_checked(text: str, start: str) -> None:
    with contextlib.suppress(InvalidInput):
        Guard().check_url(parse_url(start + text))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://example.com/a?key=1#x", "http://example.com/a"),
        ("http://example.com/@user?@", "http://example.com/@user"),
        ("http://ann:pass@example.com/", "http://example.com/"),
        ("ann:pass@example.com", "ann:example.com"),
        ("http://" + "a" * 500, "http://" + "a" * 193),
    ],
)
def test_an_address_is_shown_without_query_and_password(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@given(st.binary(max_size=5_000), st.sampled_from(["gzip", "deflate"]), st.integers(1, 64))
def test_a_body_unpacks_the_same_in_pieces_of_any_size(data: bytes, compression: Compression, size: int) -> None:
    packed = gzipped(data).partition(b"\r\n\r\n")[2] if compression == "gzip" else zlib.compress(data)
    inflater = Inflater(compression)
    pieces = [piece for i in range(0, len(packed), size) for piece in inflater.feed(packed[i : i + size])]
    assert b"".join([*pieces, inflater.finish()]) == data


# Charsets


@pytest.mark.parametrize(
    ("content", "content_type", "text"),
    [
        ("naïve ☎".encode(), "", "naïve ☎"),
        ("naïve ☎".encode(), "text/html; charset=UTF-8", "naïve ☎"),
        ("naïve".encode("latin-1"), "", "naïve"),
        ("“naïve”".encode("cp1252"), "text/html; charset=iso-8859-1", "“naïve”"),
        ("жук".encode("koi8-r"), 'text/html; charset="koi8-r"', "жук"),
        ("甲虫".encode("gbk"), "text/html;charset=gb2312", "甲虫"),
        ("カブトムシ".encode("cp932"), "text/html; Charset=Shift_JIS", "カブトムシ"),
        (b"\xef\xbb\xbfna\xc3\xafve", "text/html; charset=windows-1251", "naïve"),
        ("naïve".encode("utf-16"), "", "naïve"),
        (b'<meta charset="koi8-r">' + "жук".encode("koi8-r"), "text/html", '<meta charset="koi8-r">жук'),
        (b"<meta charset=utf-16>x", "", "<meta charset=utf-16>x"),
        (b"\xff\x81", "text/html; charset=utf-8", "��"),
        (b"caf\\u00e9", "text/html; charset=unicode_escape", "caf\\u00e9"),
        (b"+AGE-", "text/html; charset=utf-7", "+AGE-"),
        (b"Mnchen-3ya", "text/html; charset=punycode", "Mnchen-3ya"),
        (b"ab", "text/html; charset=rot13", "ab"),
    ],
)
def test_a_page_is_decoded_in_an_encoding_that_pages_have(content: bytes, content_type: str, text: str) -> None:
    assert decode_page(content, content_type) == text


@pytest.mark.parametrize(
    "label", ["utf-8", " UTF8 ", "Latin1", "windows-1252", "euc-kr", "gb2312", "macintosh", "big5-hkscs"]
)
def test_encodings_of_the_web_are_known(label: str) -> None:
    encoding = known_encoding(label)
    assert encoding
    assert b"plain".decode(encoding) == "plain"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"x", "text/html; charset=" + " " * 60_000 + ";"),
        (b"x", "charset " * 8_000),
        (b"<meta " * 60 + b"charset=" + b" " * 4_000, ""),
        (b"<meta charset=" * 300, ""),
        (b"<meta " * 700, ""),
    ],
    ids=["blanks", "names", "blanks in the page", "names in the page", "tags"],
)
def test_no_charset_takes_long_to_read(content: bytes, content_type: str) -> None:
    before = time.process_time()
    assert decode_page(content, content_type) == content.decode()
    assert time.process_time() - before < 0.5
