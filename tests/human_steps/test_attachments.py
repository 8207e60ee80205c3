"""Files and addresses beside the forms of human tasks: who may add and open them, and how much there may be."""

import asyncio
import threading
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, func, select

from intermezzo import attach
from intermezzo.errors import (
    AttachmentNotFound,
    AttachmentRefused,
    HumanTaskNotFound,
    InvalidInput,
    ProviderError,
)
from intermezzo.human_steps import Attachments, Inbox
from intermezzo.human_steps.attachment_rows import MAX_ATTACHMENTS, MAX_TASK_BYTES
from intermezzo.human_steps.controls import default_controls, markdown
from intermezzo.human_steps.file_references import FileReference
from intermezzo.human_steps.files import MAX_FILE_BYTES
from intermezzo.human_steps.history import story
from intermezzo.human_steps.native_types import label_image
from intermezzo.settings import settings
from intermezzo.store import Store, new_id, open_store
from intermezzo.store.tables import blobs
from tests.desk import Desk
from tests.human_steps.sample_files import FILES, JPEG, PDF, TXT, png

BOSS = {"org": "acme", "by": "boss"}
LONG_URL = "https://example.com/" + "a" * 2_027


async def resolver(host: str, port: int) -> Sequence[str]:
    """A small internet, one of whose hosts is private as well."""
    del port
    known = {
        "docs.example.com": ["93.184.216.34"],
        "example.com": ["93.184.216.34"],
        "example.com.": ["93.184.216.34"],
        "inside.example.com": ["93.184.216.34", "10.0.0.1"],
        "2606:4700::1111": ["2606:4700::1111"],
    }
    if host == "slow.example.com":
        raise ProviderError("the name server is busy", retryable=True)
    if host not in known:
        raise ProviderError(f"cannot find the host {host!r}")
    return known[host]


def desk_of(desk: Desk) -> Attachments:
    return Attachments(desk.store, resolver=resolver)


def kept_files(store: Store) -> int:
    return store.read_now(lambda c: c.scalar(select(func.count()).select_from(blobs)) or 0)


async def refusal(adding: Awaitable[object]) -> str:
    with pytest.raises(AttachmentRefused) as caught:
        await adding
    return caught.value.kind


async def test_what_is_attached_is_shown_to_the_worker_and_opened(desk: Desk) -> None:
    task, files = desk.post(), desk_of(desk)
    added = [await files.upload(task, name, content, **BOSS) for name, content in FILES.items()]
    await files.link(task, "https://docs.example.com/d/1?key=2#x", **BOSS)
    shown = (await Inbox(desk.store).get(task)).attachments
    assert shown == await files.list(task, org="acme")
    assert [one.name for one in shown] == [*FILES, "docs.example.com"]
    assert [one.size_bytes for one in shown] == [*map(len, FILES.values()), None]
    assert shown[-1].url == "https://docs.example.com/d/1?key=2#x"
    [listed] = await Inbox(desk.store).list()
    assert listed.attachments == shown
    for one, content in zip(added, FILES.values(), strict=True):
        opened = await files.read_as("ann", one.id)
        assert (opened.name, opened.content) == (one.name, content)
        assert opened.headers["Content-Type"].startswith(one.media_type or "")
        assert (await files.read(one.id, org="acme")).content == content


async def test_the_same_file_again_changes_nothing_and_is_kept_once(desk: Desk) -> None:
    one, other, files = desk.post(), desk.post(), desk_of(desk)
    first = await files.upload(one, "notes.txt", TXT, **BOSS)
    assert await files.upload(one, "notes.txt", TXT, **BOSS) == first
    await files.upload(one, "again.txt", TXT, **BOSS)
    await files.upload(other, "notes.txt", TXT, **BOSS)
    link = await files.link(one, "https://example.com/a", **BOSS)
    assert await files.link(one, "https://example.com/a", **BOSS) == link
    assert len(await files.list(one, org="acme")) == 3
    assert kept_files(desk.store) == 1


async def test_organisations_and_modes_are_apart(desk: Desk) -> None:
    task, files = desk.post(), desk_of(desk)
    mine = await files.upload(task, "notes.txt", TXT, **BOSS)
    rival = {"org": "rival", "by": "eve"}
    with pytest.raises(HumanTaskNotFound):
        await files.upload(task, "notes.txt", TXT, **rival)
    with pytest.raises(HumanTaskNotFound):
        await files.link(task, "https://example.com", **rival)
    with pytest.raises(HumanTaskNotFound):
        await files.list(task, org="rival")
    with pytest.raises(AttachmentNotFound):
        await files.read(mine.id, org="rival")
    testing = Attachments(desk.store, test=True)
    with pytest.raises(HumanTaskNotFound):
        await testing.upload(task, "notes.txt", TXT, **BOSS)
    for opening in (testing.read(mine.id, org="acme"), testing.read_as("ann", mine.id)):
        with pytest.raises(AttachmentNotFound):
            await opening
    with pytest.raises(HumanTaskNotFound):
        await files.upload(new_id(), "notes.txt", TXT, **BOSS)


async def test_a_worker_opens_the_files_of_tasks_that_are_or_may_become_theirs(desk: Desk) -> None:
    task, files = desk.post(required=2, strategy="unanimous", auto_approve_seconds=3600), desk_of(desk)
    file = await files.upload(task, "notes.txt", TXT, **BOSS)
    desk.take("ann", task)
    desk.take("bob", task)
    await files.read_as("ann", file.id)
    with pytest.raises(AttachmentNotFound):  # no slot is left
        await files.read_as("cy", file.id)
    desk.submit("ann", task)
    await files.read_as("ann", file.id)
    desk.review(desk.assignment(task, "ann") or "", approved=True)
    with pytest.raises(AttachmentNotFound):  # their work is done
        await files.read_as("ann", file.id)
    desk.decline("bob", task)
    with pytest.raises(AttachmentNotFound):
        await files.read_as("bob", file.id)
    await files.read_as("cy", file.id)
    desk.suspend("cy")
    with pytest.raises(AttachmentNotFound):
        await files.read_as("cy", file.id)
    desk.cancel(task)
    with pytest.raises(AttachmentNotFound):
        await files.read_as("dee", file.id)
    assert (await files.read(file.id, org="acme")).content == TXT


async def test_files_of_a_task_for_others_stay_closed(desk: Desk) -> None:
    task, files = desk.post(languages=("de",)), desk_of(desk)
    file = await files.upload(task, "notes.txt", TXT, **BOSS)
    with pytest.raises(AttachmentNotFound):
        await files.read_as("ann", file.id)
    desk.describe("ann", languages=["de"])
    await files.read_as("ann", file.id)


async def test_an_address_is_not_opened_as_a_file(desk: Desk) -> None:
    task, files = desk.post(), desk_of(desk)
    link = await files.link(task, "https://example.com/a", name="The plan", **BOSS)
    assert link.name == "The plan"
    with pytest.raises(AttachmentNotFound, match="is an address"):
        await files.read_as("ann", link.id)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://example.com/a",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "https://user:pass@example.com/",
        "https://user@example.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "http://169.254.169.254/latest/meta-data",
        "https://0x7f.1/",
        "https://localhost/",
        "https://inside.example.com/",
        "https://nowhere.example.com/",
        "https://example.com:22/",
        "https://example.com/a b",
        "https://example.com/\n",
        'https://example.com/"onclick=',
        "https://example.com/\x00",
        f"attachment:{'0' * 64}/a.txt",
        f"{LONG_URL}a",
    ],
)
async def test_an_address_that_is_not_public_http_is_refused(desk: Desk, url: str) -> None:
    task, files = desk.post(), desk_of(desk)
    assert await refusal(files.link(task, url, **BOSS)) == "address"
    assert await files.list(task, org="acme") == []


async def test_an_address_is_kept_as_it_was_written(desk: Desk) -> None:
    task, files = desk.post(), desk_of(desk)
    for url in ("HTTPS://Example.com/%7Ea?b=ü", LONG_URL, "http://[2606:4700::1111]:8080/", "https://example.com./"):
        assert (await files.link(task, url, **BOSS)).url == url
    with pytest.raises(ProviderError) as caught:
        await files.link(task, "https://slow.example.com/", **BOSS)
    assert caught.value.retryable


async def test_nothing_is_attached_to_a_closed_task(desk: Desk) -> None:
    task, files = desk.post(), desk_of(desk)
    before = await files.upload(task, "notes.txt", TXT, **BOSS)
    desk.cancel(task)
    assert await refusal(files.upload(task, "more.txt", TXT, **BOSS)) == "closed"
    assert await refusal(files.link(task, "https://example.com", **BOSS)) == "closed"
    assert await files.upload(task, "notes.txt", TXT, **BOSS) == before
    assert [one.name for one in await files.list(task, org="acme")] == ["notes.txt"]


async def test_a_task_has_so_much_attached_and_no_more(desk: Desk) -> None:
    task, files = desk.post(), desk_of(desk)
    for index in range(MAX_TASK_BYTES // MAX_FILE_BYTES):
        await files.upload(task, f"{index}.txt", b"%d" % index + b"x" * (MAX_FILE_BYTES - 1), **BOSS)
    assert await refusal(files.upload(task, "more.txt", b"x", **BOSS)) == "too_large"
    assert kept_files(desk.store) == MAX_TASK_BYTES // MAX_FILE_BYTES
    await files.link(task, "https://example.com/large", **BOSS)
    many = desk.post()
    for index in range(MAX_ATTACHMENTS):
        await files.upload(many, f"{index}.txt", b"x", **BOSS)
    assert await refusal(files.upload(many, "more.txt", b"x", **BOSS)) == "too_large"


def test_files_that_come_at_once_pass_the_limit_only_as_far_as_they_fit(store_url: str) -> None:
    stores = [Store(store_url) for _ in range(6)]
    task = Desk(stores[0]).post()
    start = threading.Barrier(len(stores))

    def upload(index: int) -> str:
        start.wait()
        content = png(padding_bytes=MAX_FILE_BYTES - 1000, seed=index)
        try:
            asyncio.run(Attachments(stores[index]).upload(task, f"{index}.png", content, **BOSS))
        except AttachmentRefused as error:
            return error.kind
        return "attached"

    with ThreadPoolExecutor(len(stores)) as pool:
        assert sorted(pool.map(upload, range(len(stores)))) == ["attached"] * 4 + ["too_large"] * 2
    assert kept_files(stores[0]) == 4
    for store in stores:
        store.close()


def test_the_same_file_from_two_at_once_is_kept_once(store_url: str) -> None:
    stores = [Store(store_url) for _ in range(4)]
    desk = Desk(stores[0])
    tasks = [desk.post() for _ in stores]
    start = threading.Barrier(len(stores))

    def upload(index: int) -> str | None:
        start.wait()
        return asyncio.run(Attachments(stores[index]).upload(tasks[index], "scan.pdf", PDF, **BOSS)).sha256

    with ThreadPoolExecutor(len(stores)) as pool:
        assert len(set(pool.map(upload, range(len(stores))))) == 1
    assert kept_files(stores[0]) == 1
    for store in stores:
        store.close()


async def test_the_story_of_a_task_tells_what_was_attached_and_what_the_worker_saw(desk: Desk) -> None:
    tasks, files = [desk.post() for _ in range(4)], desk_of(desk)
    for task, content in zip(tasks, (TXT, TXT, b"other", None), strict=True):
        if content is not None:
            await files.upload(task, "notes.txt", content, **BOSS)
        desk.take("ann", task)
    stories = [desk.see(lambda c, task=task: story(c, desk.payer, task)) for task in tasks]
    attached = stories[0].happened[1]
    assert (attached.what, attached.actor, attached.detail["name"]) == ("attached", "boss", "notes.txt")
    saw = [found.happened[-1].detail["saw"] for found in stories]
    assert saw[0] == saw[1]
    assert len(set(saw)) == 3


async def test_no_list_reads_the_content_of_a_file(desk: Desk) -> None:
    task, files = desk.post(), desk_of(desk)
    await files.upload(task, "notes.txt", TXT, **BOSS)
    said: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(desk.store.engine, "before_cursor_execute", listen)
    await files.list(task, org="acme")
    await Inbox(desk.store).list()
    desk.take("ann", task)
    event.remove(desk.store.engine, "before_cursor_execute", listen)
    assert any("FROM attachments" in statement for statement in said)
    assert not any("blobs" in statement for statement in said)


# --- files that an input refers to


def posted(desk: Desk, reference: str) -> str:
    """A `label_image` posted as a flow posts it; returns the id of its task."""
    input = label_image.parse(image_url=reference, labels=["cat", "dog"])
    task = label_image.new_task(input, id="", call_id="", run_id="", generation=1)
    return desk.post_task(task)


async def test_a_local_image_goes_to_the_worker_by_its_reference(desk: Desk) -> None:
    files = desk_of(desk)
    reference = await files.keep("my cat.jpg", JPEG, org="acme")
    assert reference == await files.keep("my cat.jpg", JPEG, org="acme")
    item = await Inbox(desk.store).get(posted(desk, reference))
    [attached] = item.attachments
    assert (attached.name, attached.reference, attached.added_by) == ("my cat.jpg", reference, None)
    assert any(control.get("url") == reference for control in item.controls or [])
    assert (await files.read_as("ann", attached.id)).content == JPEG


async def test_a_type_without_controls_shows_a_file_by_its_name(desk: Desk) -> None:
    reference = await desk_of(desk).keep("scan.pdf", PDF, org="acme")
    assert default_controls({"scan": reference}) == [markdown("**scan:** scan.pdf *(attached)*")]


async def test_a_reference_is_worth_nothing_to_another_organisation(desk: Desk) -> None:
    files = desk_of(desk)
    theirs = await files.keep("cat.jpg", JPEG, org="rival")
    with pytest.raises(InvalidInput, match="has stored no file"):
        posted(desk, theirs)
    assert desk.reserved == 0


async def test_a_reference_cannot_give_a_file_another_type_or_a_path(desk: Desk) -> None:
    kept = FileReference.parse(await desk_of(desk).keep("cat.jpg", JPEG, org="acme"))
    assert kept is not None
    for name in ("cat.txt", "../cat.jpg", "cat.html"):
        with pytest.raises(AttachmentRefused):
            posted(desk, str(replace(kept, name=name)))


async def test_a_flow_attaches_a_path_or_content(isolated_home: Path, tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(PDF)
    reference = await attach(path)
    assert reference == await attach(str(path)) == await attach(PDF, name="scan.pdf")
    assert reference.endswith("/scan.pdf")
    found = open_store().read_now(lambda c: c.execute(select(blobs.c.org, blobs.c.size_bytes)).all())
    assert [tuple(row) for row in found] == [(settings().org, len(PDF))]
    with pytest.raises(AttachmentRefused, match="give `name=`"):
        await attach(PDF)
    with pytest.raises(OSError, match="none"):
        await attach(tmp_path / "none.pdf")
    path.write_bytes(bytes(MAX_FILE_BYTES * 2))
    with pytest.raises(AttachmentRefused) as caught:
        await attach(path)
    assert caught.value.kind == "too_large"
