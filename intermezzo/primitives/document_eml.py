"""Reading an e-mail; called by `document_readers`."""

import email
import email.policy
from email.message import EmailMessage

from intermezzo.errors import InvalidInput
from intermezzo.primitives.document_content import Caps, Document
from intermezzo.primitives.document_html import read_markup
from intermezzo.primitives.document_text import decode

_HEADERS = ("From", "To", "Cc", "Date", "Subject")


def read_eml(data: bytes, caps: Caps, document: Document) -> None:
    """Fill a document with headers, text and names of attachments of an e-mail; plain text is preferred to HTML.

    Raises:
        Exception: whatever the standard library makes of a damaged e-mail.
    """
    message = email.message_from_bytes(data, policy=email.policy.default)
    headers = {name: " ".join(str(message[name]).split()) for name in _HEADERS if message[name]}
    document.note(**{name.lower(): value for name, value in headers.items()})
    document.parts.append(caps.take("\n".join(f"{name}: {value}" for name, value in headers.items()) + "\n"))
    body = message.get_body(("plain", "html"))
    if isinstance(body, EmailMessage):
        _read_body(body, caps, document)
    attached = list(message.iter_attachments()) if message.is_multipart() else []
    if attached:
        document.note(attachments=len(attached))
        document.parts.append(caps.take("\n" + "\n".join(map(_described, attached))))


def _read_body(body: EmailMessage, caps: Caps, document: Document) -> None:
    text = _text(body)
    if body.get_content_subtype() == "html":
        title = document.metadata.get("title", "")
        read_markup(text, caps, document)
        document.note(title=title)
    else:
        document.parts.append(caps.take(text.strip("\n")))


def _text(body: EmailMessage) -> str:
    content = body.get_payload(decode=True)
    assert isinstance(content, bytes)
    if not content:
        return ""
    try:
        return decode(content, body.get_content_charset())[0]
    except InvalidInput:
        return content.decode(errors="replace")


def _described(part: object) -> str:
    assert isinstance(part, EmailMessage)
    content = part.get_payload(decode=True)
    size = f", {len(content):,} bytes" if isinstance(content, bytes) else ""
    return f"[attached: {part.get_filename() or 'without a name'} ({part.get_content_type()}{size})]"
