"""Files for workers: a name, a claim and a content that agree, and nothing else."""

import base64
import time
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermezzo.errors import AttachmentRefused
from intermezzo.human_steps.file_references import FileReference, references_in
from intermezzo.human_steps.files import MAX_FILE_BYTES, MAX_NAME_BYTES, File, check_file_name, from_base64
from tests.human_steps.sample_files import CSV, FILES, JPEG, PDF, TXT, archive

MEDIA_TYPES = {
    "scan.pdf": "application/pdf",
    "pixel.PNG": "image/png",
    "photo.jpg": "image/jpeg",
    "photo.jpeg": "image/jpeg",
    "small.webp": "image/webp",
    "notes.txt": "text/plain",
    "people.csv": "text/csv",
}


def refusal(name: str, content: bytes, media_type: str | None = None) -> tuple[str, str]:
    with pytest.raises(AttachmentRefused) as caught:
        File.of(name, content, media_type=media_type)
    return caught.value.kind, str(caught.value)


@pytest.mark.parametrize(("name", "content"), FILES.items())
def test_a_file_of_every_allowed_type_is_taken(name: str, content: bytes) -> None:
    media_type = MEDIA_TYPES[name]
    for said in (None, "application/octet-stream", media_type, f"{media_type.upper()}; charset=utf-8"):
        assert File.of(name, content, media_type=said).media_type == media_type


@pytest.mark.parametrize(("name", "content"), FILES.items())
def test_a_name_that_says_something_else_than_the_content_is_refused(name: str, content: bytes) -> None:
    for other in FILES:
        if MEDIA_TYPES[other].split("/")[0] != "text" and MEDIA_TYPES[other] != MEDIA_TYPES[name]:
            assert refusal(other, content)[0] == "type"
    assert refusal("page.txt", PDF)[0] == "type"
    for extension in ("html", "svg", "js", "exe", "gif", "", "pdf ", "pdf.exe"):
        assert refusal(f"file.{extension}", content)[0] in ("type", "name")
    assert refusal("pdf", content)[0] == "type"


@pytest.mark.parametrize("said", ["text/html", "image/svg+xml", "image/gif", "x" * 500])
@pytest.mark.parametrize(("name", "content"), FILES.items())
def test_a_claim_that_says_something_else_is_refused(name: str, content: bytes, said: str) -> None:
    assert refusal(name, content, said)[0] == "type"


def test_other_words_for_a_type_are_understood() -> None:
    for name, content, said in [
        ("a.csv", CSV, "text/plain"),
        ("a.csv", CSV, "application/vnd.ms-excel"),
        ("a.jpg", JPEG, "image/jpg"),
    ]:
        File.of(name, content, media_type=said)
    assert refusal("a.txt", TXT, "text/csv")[0] == "type"


@pytest.mark.parametrize("name", ["scan.pdf", "pixel.PNG", "photo.jpg", "small.webp"])
def test_a_file_that_was_cut_short_is_refused(name: str) -> None:
    content = FILES[name]
    for length in (len(content) - 5, len(content) // 2, 13):
        assert refusal(name, content[:length])[0] in ("content", "type")


def test_a_photo_may_have_a_film_behind_it() -> None:
    File.of("motion.jpg", JPEG + b"\x00\x00\x00\x18ftypmp42" + b"\xff\xda" * 9)


def test_a_thumbnail_in_a_photo_does_not_end_it() -> None:
    thumbnail = b"\xff\xe1" + (2 + len(JPEG)).to_bytes(2, "big") + JPEG
    whole = JPEG[:2] + thumbnail + JPEG[2:]
    File.of("photo.jpg", whole)
    assert refusal("photo.jpg", whole[:-2])[0] == "content"


@pytest.mark.parametrize("name", ["scan.pdf", "pixel.PNG", "photo.jpg", "small.webp"])
def test_a_file_that_is_an_archive_as_well_is_refused(name: str) -> None:
    kind, message = refusal(name, FILES[name] + archive())
    assert kind == "content"
    assert "zip archive as well" in message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"GIF89a=1;alert(1)", "GIF"),
        (b"PK\x03\x04" + bytes(40), "zip archive"),
        (b"\x00\x01", "U+0000"),
        ("naïve".encode("latin-1"), "UTF-8"),
        ("naïve".encode("utf-16"), "UTF-8"),
        (b"\x1b[2J", "U+001B"),
        (b"%PDF-1.7", "application/pdf"),
    ],
)
def test_what_is_no_text_is_no_text_file(content: bytes, said: str) -> None:
    for name in ("a.txt", "a.csv"):
        assert said in refusal(name, content)[1]


def test_a_script_in_a_text_file_is_sent_as_a_text_to_save() -> None:
    headers = File.of("page.txt", b"<script>alert(1)</script>").headers
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"].startswith("attachment;")
    assert "sandbox" in headers["Content-Security-Policy"]


def test_empty_and_too_large_files_are_refused() -> None:
    assert refusal("a.txt", b"")[0] == "content"
    File.of("a.txt", b"x" * MAX_FILE_BYTES)
    kind, message = refusal("a.txt", b"x" * (MAX_FILE_BYTES + 1))
    assert kind == "too_large"
    assert "5,242,880" in message


def test_a_hostile_file_costs_no_more_than_another() -> None:
    empty_segments = b"\xff\xd8" + b"\xff\xe0\x00\x02" * (MAX_FILE_BYTES // 4 - 1)
    fill = b"\xff\xd8" + b"\xff" * (MAX_FILE_BYTES - 2)
    directories = PDF + b"PK\x05\x06" * 300_000
    for name, content in [("a.jpg", empty_segments), ("a.jpg", fill), ("a.pdf", directories)]:
        began = time.perf_counter()
        refusal(name, content)
        assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".txt",
        " a.txt",
        "a.txt ",
        "a.txt.",
        "../a.txt",
        "/etc/a.txt",
        "C:\\a.txt",
        "a/b.txt",
        "a\x00.txt",
        "a\nb.txt",
        "a\u202efdp.txt",  # right to left from here
        "a\u200b.txt",
        "a\ud800.txt",
        "a\u2028.txt",
        'a".txt',
        "con.txt",
        "LPT1.csv",
        "é" * 126 + ".txt",
    ],
)
def test_a_name_that_is_not_just_a_name_is_refused(name: str) -> None:
    assert refusal(name, TXT)[0] == "name"


@pytest.mark.parametrize(
    "name", ["a.txt", "Screenshot 2026-11-23 at 3.45.12\u202fPM.txt", "合同.txt", "a'b; c%.txt", "é" * 125 + ".txt"]
)
def test_names_of_people_are_taken(name: str) -> None:
    disposition = File.of(name, TXT).headers["Content-Disposition"]
    assert disposition.isascii()
    assert unquote(disposition.rpartition("UTF-8''")[2]) == name


@given(st.text(st.characters(codec=None), max_size=300))
def test_whatever_name_passes_is_safe_in_a_header_and_as_a_file(name: str) -> None:
    try:
        check_file_name(name)
    except AttachmentRefused as error:
        refused = error
    else:
        refused = None
    if refused is not None:
        assert refused.kind == "name"
        assert str(refused).isprintable()
        return
    assert 0 < len(name.encode()) <= MAX_NAME_BYTES
    assert not set(name) & set("/\\:\x00\r\n\x1b\u202e")
    assert name not in (".", "..")
    header = File(name=f"{name}.txt", kind="text/plain", content=b"", sha256="").headers["Content-Disposition"]
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    reference = FileReference("0" * 64, name)
    assert FileReference.parse(str(reference)) == reference


@given(st.sampled_from(sorted(FILES)), st.binary(max_size=200), st.integers(0, 400), st.binary(max_size=60))
def test_no_bytes_whatever_break_the_look_at_a_file(name: str, start: bytes, cut: int, end: bytes) -> None:
    for content in (start, start + FILES[name][:cut] + end, FILES[name][:cut] + start + FILES[name][cut:] + end):
        try:
            kind = File.of(name, content).kind
        except AttachmentRefused as error:
            kind = error.kind
        assert kind in ("type", "content", MEDIA_TYPES[name].replace("csv", "plain"))


# --- base64


@given(st.binary(max_size=100))
def test_base64_gives_the_content_back(content: bytes) -> None:
    assert from_base64(base64.b64encode(content).decode()) == content


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("data:text/plain;base64,QQ==", "leave out what comes before the comma"),
        ("DATA:,QQ==", "data URI"),
        ("QQ==\n", "base64"),
        (" QQ==", "base64"),
        ("Q Q==", "base64"),
        ("QQ", "base64"),
        ("QQ=", "base64"),
        ("QQ==QQ==", "base64"),
        ("-_8=", "base64"),
        ("é===", "base64"),
    ],
)
def test_base64_is_taken_by_the_letter(text: str, said: str) -> None:
    with pytest.raises(AttachmentRefused, match=said) as caught:
        from_base64(text)
    assert caught.value.kind == "encoding"


def test_too_much_base64_is_refused_before_it_is_decoded() -> None:
    assert len(from_base64(base64.b64encode(bytes(MAX_FILE_BYTES)).decode())) == MAX_FILE_BYTES
    with pytest.raises(AttachmentRefused) as caught:
        from_base64("!" * 8_000_000)
    assert caught.value.kind == "too_large"


# --- references


def test_references_are_found_wherever_they_stand_whole() -> None:
    one, two = FileReference("a" * 64, "scan 1.pdf"), FileReference("b" * 64, "合同.pdf")
    document = (
        f'{{"image": "{one}", "more": [{{"x": "{two}"}}, "{one}"], "text": "see {two}", "bad": "attachment:1/x"}}'
    )
    assert references_in(document) == [one, two]
    assert references_in('{"text": "nothing"}') == []
    assert FileReference.parse(str(one).replace("%20", "%2520")) != one
    assert FileReference.parse(str(one).replace("1.pdf", "%31.pdf")) is None
