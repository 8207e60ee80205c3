"""Who comes in with which key, token or password, and what they may do."""

import asyncio
import base64
import json
import time
from dataclasses import asdict
from datetime import timedelta
from statistics import median

import jwt
import pytest
from sqlalchemy import select, text

from intermezzo.access import Access, Dialect, Principal, Scope, scopes_of
from intermezzo.errors import AccessKeyNotFound, NotAllowed, NotAuthenticated, UserError
from intermezzo.store import Store, utc_now
from intermezzo.store.tables import api_keys, metadata, secrets, users

PASSWORD = "correct horse battery"


@pytest.fixture
def access(store: Store) -> Access:
    return Access(store)


async def test_a_key_is_shown_once_and_kept_as_a_digest(access: Access) -> None:
    key, kept = await access.create_key("acme", name="ci")
    assert key.startswith("csk_")
    assert key.startswith(kept.prefix)
    assert len(kept.prefix) == len("csk_") + 4

    def everything(connection: object) -> str:
        return str([connection.execute(select(table)).all() for table in metadata.sorted_tables])  # type: ignore[attr-defined]

    assert key not in access.store.read_now(everything)
    principal = await access.authenticate(key)
    assert (principal.org, principal.test, principal.name, principal.key_id) == ("acme", False, "ci", kept.id)
    assert principal.scopes == scopes_of("owner")


@pytest.mark.parametrize(
    ("dialect", "live", "test"),
    [
        ("native", "csk_", "csk_test_"),
        ("humanrail", "ek_live_", "ek_test_"),
        ("sanctifai", "sk_live_", "sk_test_"),
        ("scale", "live_", "test_"),
    ],
)
async def test_keys_look_as_the_documents_of_their_dialect_say(
    access: Access, dialect: Dialect, live: str, test: str
) -> None:
    for is_test, prefix in ((False, live), (True, test)):
        key, _ = await access.create_key("acme", test=is_test, dialect=dialect)
        assert key.startswith(prefix)
        assert (await access.authenticate(key)).payer.test is is_test


@pytest.mark.parametrize("token", ["", "csk_", "csk_test_x", "a.b.c", "..", "x" * 100_000, "\ud800", "é.ü.ß", "\x00"])
async def test_what_is_no_key_and_no_token_opens_nothing(access: Access, token: str) -> None:
    await access.create_key("acme")
    with pytest.raises(NotAuthenticated) as refused:
        await access.authenticate(token)
    assert token[:50] not in str(refused.value) or len(token) < 5


async def test_a_key_ends_by_time_and_by_hand(access: Access) -> None:
    soon, _ = await access.create_key("acme", expires_at=utc_now() + timedelta(seconds=0.2))
    key, kept = await access.create_key("acme")
    await access.authenticate(soon)
    revoked = await access.revoke_key("acme", kept.id)
    assert await access.revoke_key("acme", kept.id) == revoked
    with pytest.raises(NotAuthenticated, match="was revoked"):
        await access.authenticate(key)
    await asyncio.sleep(0.2)
    with pytest.raises(NotAuthenticated, match="has expired"):
        await access.authenticate(soon)
    with pytest.raises(AccessKeyNotFound):
        await access.revoke_key("other", kept.id)
    with pytest.raises(UserError, match="has passed"):
        await access.create_key("acme", expires_at=utc_now())


async def test_the_last_use_is_known_to_the_minute(access: Access) -> None:
    key, kept = await access.create_key("acme")
    assert kept.last_used_at is None
    for _ in range(3):
        await access.authenticate(key)
    await access.create_key("acme", name="later")  # whatever was written before is committed
    [used] = [found for found in await access.keys("acme") if found.id == kept.id]
    assert used.last_used_at is not None
    stored = access.store.read_now(lambda c: c.scalar(select(api_keys.c.last_used_at).where(api_keys.c.id == kept.id)))
    assert stored == used.last_used_at


async def test_whoever_makes_a_key_gives_no_more_than_they_have(access: Access) -> None:
    async def principal(**made: object) -> Principal:
        key, _ = await access.create_key("acme", **made)  # type: ignore[arg-type]
        return await access.authenticate(key)

    scopes: tuple[Scope, ...] = ("keys", "tasks:read")
    narrow, tester = await principal(scopes=scopes), await principal(test=True)
    key, kept = await access.create_key("acme", scopes=("tasks:read",), by=narrow)
    assert kept.scopes == {"tasks:read"}
    refused: list[dict[str, object]] = [
        {"org": "acme", "by": narrow},
        {"org": "other", "by": narrow, "scopes": ("tasks:read",)},
        {"org": "acme", "by": tester, "test": False},
        {"org": "acme", "by": await access.authenticate(key), "scopes": ("tasks:read",)},
        {"org": "acme", "by": narrow, "scopes": ("operate",)},
    ]
    for wanted in refused:
        with pytest.raises(NotAllowed):
            await access.create_key(**wanted)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="there is no scope root"):
        await access.create_key("acme", scopes=("root",))  # type: ignore[arg-type]
    with pytest.raises(UserError, match="needs a worker's id"):
        await access.create_key("acme", scopes=("work",))


async def test_a_principal_says_what_it_lacks(access: Access) -> None:
    key, _ = await access.create_key("acme", scopes=("tasks:read",), name="reader")
    principal = await access.authenticate(key)
    principal.require("tasks:read")
    with pytest.raises(NotAllowed, match="needs the scope tasks:write; 'reader' has tasks:read") as refused:
        principal.require("tasks:read", "tasks:write")
    assert refused.value.scopes == ["tasks:write"]
    with pytest.raises(NotAllowed):
        _ = principal.worker
    worker, _ = await access.create_key("acme", worker_id="ann")
    assert (await access.authenticate(worker)).worker == "ann"


async def test_people_log_in_and_are_logged_out(access: Access) -> None:
    await access.add_user(" Ann@Example.com ", PASSWORD, org="acme", role="owner")
    token, ends = await access.log_in("ann@example.COM", PASSWORD, test=True)
    assert timedelta(minutes=59) < ends - utc_now() <= timedelta(hours=1)
    ann = await access.authenticate(token)
    assert (ann.org, ann.test, ann.name, ann.scopes) == ("acme", True, "ann@example.com", scopes_of("owner"))
    await access.log_out(ann)
    with pytest.raises(NotAuthenticated, match="session is over"):
        await access.authenticate(token)


async def test_a_new_password_or_a_ban_ends_every_session(access: Access) -> None:
    await access.add_user("ann@example.com", PASSWORD, org="acme", role="worker", worker_id="ann")
    token, _ = await access.log_in("ann@example.com", PASSWORD)
    assert (await access.authenticate(token)).worker == "ann"
    await access.change_user("ann@example.com", password="another password")
    for tried in (token,):
        with pytest.raises(NotAuthenticated):
            await access.authenticate(tried)
    with pytest.raises(NotAuthenticated):
        await access.log_in("ann@example.com", PASSWORD)
    token, _ = await access.log_in("ann@example.com", "another password")
    await access.change_user("ann@example.com", disabled=True)
    with pytest.raises(NotAuthenticated):
        await access.authenticate(token)
    with pytest.raises(NotAuthenticated, match="wrong e-mail address or password"):
        await access.log_in("ann@example.com", "another password")
    await access.change_user("ann@example.com", disabled=False)
    await access.log_in("ann@example.com", "another password")


async def test_a_forged_token_opens_nothing(access: Access) -> None:
    user = await access.add_user("ann@example.com", PASSWORD, org="acme", role="member")
    with pytest.raises(NotAuthenticated):  # nobody has ever logged in: there is no secret yet
        await access.authenticate(jwt.encode({"sub": user.id}, "x" * 32, algorithm="HS256"))
    token, _ = await access.log_in("ann@example.com", PASSWORD)
    secret = access.store.read_now(lambda c: c.execute(select(secrets.c.value)).scalar_one())
    good = jwt.decode(token, secret, algorithms=["HS256"], issuer="intermezzo")
    head, body, signature = token.split(".")
    other = base64.urlsafe_b64encode(json.dumps({**good, "test": True}).encode()).decode().rstrip("=")
    forged = [
        f"{head}.{other}.{signature}",
        f"{head}.{body}.",
        jwt.encode(good, None, algorithm="none"),  # type: ignore[arg-type]
        jwt.encode(good, "x" * 64, algorithm="HS256"),
        jwt.encode({**good, "iss": "else"}, secret, algorithm="HS256"),
        jwt.encode({**good, "exp": 1}, secret, algorithm="HS256"),
        jwt.encode({**good, "generation": 99}, secret, algorithm="HS256"),
        jwt.encode({**good, "sub": "nobody"}, secret, algorithm="HS256"),
        jwt.encode({name: value for name, value in good.items() if name != "exp"}, secret, algorithm="HS256"),
        jwt.encode({name: value for name, value in good.items() if name != "generation"}, secret, algorithm="HS256"),
        jwt.encode({**good, "exp": "soon"}, secret, algorithm="HS256"),
    ]
    for tried in forged:
        with pytest.raises(NotAuthenticated):
            await access.authenticate(tried)
    assert (await access.authenticate(jwt.encode(good, secret, algorithm="HS256"))).user_id == user.id


async def test_an_unknown_address_takes_as_long_as_a_wrong_password(access: Access) -> None:
    await access.add_user("ann@example.com", PASSWORD, org="acme", role="member")

    async def seconds(email: str) -> float:
        began = time.perf_counter()
        with pytest.raises(NotAuthenticated, match="wrong e-mail address or password"):
            await access.log_in(email, "not the password")
        return time.perf_counter() - began

    await seconds("nobody@example.com")
    known = median([await seconds("ann@example.com") for _ in range(5)])
    unknown = median([await seconds("nobody@example.com") for _ in range(5)])
    assert 1 / 3 < known / unknown < 3


@pytest.mark.parametrize(
    ("email", "password", "said"),
    [
        ("ann", PASSWORD, "expected an e-mail address"),
        ("", PASSWORD, "expected an e-mail address"),
        ("a@b c", PASSWORD, "expected an e-mail address"),
        ("ann@example.com", "short", "10 to 200 characters"),
        ("ann@example.com", "x" * 201, "10 to 200 characters"),
        ("taken@example.com", PASSWORD, "there is a user taken@example.com already"),
    ],
)
async def test_who_cannot_be_a_user_is_refused(access: Access, email: str, password: str, said: str) -> None:
    await access.add_user("taken@example.com", PASSWORD, org="acme", role="member")
    with pytest.raises(UserError, match=said):
        await access.add_user(email, password, org="acme", role="member")
    [user] = await access.users()
    assert "hash" not in asdict(user)
    with pytest.raises(UserError, match="needs a worker's id"):
        await access.add_user("w@example.com", PASSWORD, org="acme", role="worker")
    with pytest.raises(UserError, match="there is no user"):
        await access.change_user("nobody@example.com", disabled=True)


async def test_passwords_are_kept_as_argon2id(access: Access) -> None:
    await access.add_user("ann@example.com", PASSWORD, org="acme", role="member")
    kept = access.store.read_now(lambda c: c.execute(select(users.c.password_hash)).scalar_one())
    assert kept.startswith("$argon2id$")


async def test_all_processes_share_one_secret(access: Access, store_url: str) -> None:
    await access.add_user("ann@example.com", PASSWORD, org="acme", role="member")
    other = Access(Store(store_url))
    tokens = await asyncio.gather(*(one.log_in("ann@example.com", PASSWORD) for one in (access, other) for _ in "12"))
    for token, _ in tokens:
        await access.authenticate(token)
        await other.authenticate(token)
    assert access.store.read_now(lambda c: c.execute(text("SELECT count(*) FROM secrets")).scalar_one()) == 1
    other.store.close()
