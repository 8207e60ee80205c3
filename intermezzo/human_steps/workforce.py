"""What an operator does about workers and guilds; for the command line, pages and HTTP."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select

from intermezzo.human_steps import claims, gold_record, guilds, worker_search, workers
from intermezzo.human_steps.background import Background, GuildProfile
from intermezzo.human_steps.guilds import GuildFilter, GuildPage, PublicGuild
from intermezzo.human_steps.public_profiles import PublicProfile, profiles
from intermezzo.human_steps.worker_search import WorkerFilter, WorkerPage
from intermezzo.human_steps.workers import Guild, GuildKind, Profile
from intermezzo.store import Store, utc_now
from intermezzo.store.tables import workers as table

if TYPE_CHECKING:
    from intermezzo.human_steps.gold_record import GoldAccuracy


class Workforce:
    """The workers and guilds of a store.

    Args:
        store: where they are.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    async def list(self, *, limit: int = 100) -> "Sequence[Profile]":
        """Workers of whom something is known, by id.

        Args:
            limit: most workers to return, 1 to 1,000.
        """
        query = select(table.c.id).order_by(table.c.id).limit(min(max(limit, 1), 1000))
        return await self.store.read(lambda c: [workers.profile_of(c, id) for id in c.scalars(query)])

    async def get(self, worker_id: str) -> Profile:
        """What is known of a worker; of somebody nobody has described, nothing.

        Raises:
            WorkerError: that cannot be a worker's id.
        """
        workers.check_worker_id(worker_id)
        return await self.store.read(lambda c: workers.profile_of(c, worker_id))

    async def describe(
        self,
        worker_id: str,
        *,
        skills: Mapping[str, int] | None = None,
        languages: Iterable[str] | None = None,
        background: Background | None = None,
        email: str | None = None,
        daily_limit: int | None = None,
    ) -> Profile:
        """Set what is known of a worker; what is None stays as it is.

        Args:
            skills: name → level, 1 to 5.
            languages: tags such as `en`.
            background: what they tell of themselves.
            email: where they are reached, which others never see; empty: it is forgotten.
            daily_limit: most answers in any 24 hours, whatever the type; 0: as many as they like.

        Raises:
            WorkerError: that cannot be a worker's id, a skill, a language, a limit or an address, or another worker
                has the address.
        """
        return await self.store.write(
            lambda c: workers.describe(
                c,
                worker_id,
                skills=skills,
                languages=languages,
                background=background,
                email=email,
                daily_limit=daily_limit,
                at=utc_now(),
            )
        )

    async def public_profile(self, worker_id: str, *, test: bool = False) -> PublicProfile:
        """A worker as others may see them, with their reputation.

        Args:
            test: by what they did on test tasks instead of live ones.

        Raises:
            WorkerError: that cannot be a worker's id.
        """
        workers.check_worker_id(worker_id)
        [found] = await self.store.read(lambda c: profiles(c, [worker_id], test=test, at=utc_now()))
        return found

    async def search(
        self,
        wanted: WorkerFilter | None = None,
        *,
        test: bool = False,
        cursor: str | None = None,
        limit: int = 25,
    ) -> WorkerPage:
        """Workers who may work, as others may see them: those with the best score first, then with the most tasks.

        Args:
            wanted: which of them; None: all.
            test: by what they did on test tasks instead of live ones.
            cursor: `next_cursor` of the page before.
            limit: most to return, 1 to 100.

        Raises:
            InvalidInput: the cursor is none of ours.
        """
        chosen = wanted or WorkerFilter()
        return await self.store.read(
            lambda c: worker_search.search(c, chosen, test=test, cursor=cursor, limit=limit, at=utc_now())
        )

    async def gold_accuracy(self, worker_id: str) -> "Sequence[GoldAccuracy]":
        """How often a worker was right in tasks whose answer is known, by gold set."""
        return await self.store.read(lambda c: gold_record.accuracy_of(c, worker_id))

    async def suspend(self, worker_id: str, *, reason: str, by: str) -> None:
        """Keep a worker from working: claims go back, and unreviewed answers to open tasks are rejected.

        Args:
            by: who decides it.

        Raises:
            WorkerError: that cannot be a worker's id.
        """
        await self.store.write(lambda c: claims.suspend(c, worker_id, reason=reason, by=by, at=utc_now()))

    async def reinstate(self, worker_id: str) -> None:
        """Let a suspended worker work again.

        Raises:
            WorkerError: that cannot be a worker's id.
        """
        await self.store.write(lambda c: workers.set_suspended(c, worker_id, None, at=utc_now()))

    async def guilds(self) -> "Sequence[Guild]":
        """All guilds, by id."""
        return await self.store.read(workers.all_guilds)

    async def make_guild(self, guild_id: str, *, name: str, kind: GuildKind = "community") -> None:
        """Found a guild.

        Raises:
            WorkerError: there is one of that id, or that cannot be an id.
        """
        await self.store.write(lambda c: workers.make_guild(c, guild_id, name=name, kind=kind, at=utc_now()))

    async def describe_guild(self, guild_id: str, profile: GuildProfile) -> None:
        """Set what a guild tells of itself.

        Raises:
            WorkerError: there is no such guild.
        """
        await self.store.write(lambda c: guilds.describe_guild(c, guild_id, profile))

    async def public_guild(self, guild_id: str, *, test: bool = False) -> PublicGuild:
        """A guild as others may see it, with the reputation of its members together.

        Args:
            test: by what they did on test tasks instead of live ones.

        Raises:
            WorkerError: there is none of that id.
        """
        return await self.store.read(lambda c: guilds.public_guild(c, guild_id, test=test, at=utc_now()))

    async def directory(
        self,
        wanted: GuildFilter | None = None,
        *,
        test: bool = False,
        cursor: str | None = None,
        limit: int = 50,
    ) -> GuildPage:
        """Guilds, those whose members have the best score first, then the most tasks.

        Args:
            wanted: which of them; None: all.
            test: by what was done on test tasks instead of live ones.
            cursor: `next_cursor` of the page before.
            limit: most to return, 1 to 100.

        Raises:
            InvalidInput: the cursor is none of ours.
        """
        chosen = wanted or GuildFilter()
        return await self.store.read(
            lambda c: guilds.directory(c, chosen, test=test, cursor=cursor, limit=limit, at=utc_now())
        )

    async def join(self, guild_id: str, worker_id: str) -> None:
        """Make a worker a member of a guild; again changes nothing.

        Raises:
            WorkerError: there is no such guild, or that cannot be a worker's id.
        """
        await self.store.write(lambda c: workers.join(c, guild_id, worker_id, at=utc_now()))

    async def leave(self, guild_id: str, worker_id: str) -> None:
        """End a worker's membership; without one nothing happens."""
        await self.store.write(lambda c: workers.leave(c, guild_id, worker_id))
