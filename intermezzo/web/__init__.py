"""Outgoing HTTP: one guarded client for everything that is fetched from, or sent to, addresses others have chosen."""

from intermezzo.web.charsets import declared_charset, decode_page, known_encoding
from intermezzo.web.fetch import Fetched, fetch
from intermezzo.web.guard import Guard
from intermezzo.web.post import MAX_RECEIVER_CHARACTERS, Posted, check_receiver, post
from intermezzo.web.public import check_public
from intermezzo.web.urls import MAX_URL_CHARACTERS, parse_url, shown_url

__all__ = [
    "MAX_RECEIVER_CHARACTERS",
    "MAX_URL_CHARACTERS",
    "Fetched",
    "Guard",
    "Posted",
    "check_public",
    "check_receiver",
    "declared_charset",
    "decode_page",
    "fetch",
    "known_encoding",
    "parse_url",
    "post",
    "shown_url",
]
