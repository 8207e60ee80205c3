"""What an operator does about disputed answers; for shell, pages and HTTP."""

from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from intermezzo.errors import DisputeNotFound
from intermezzo.human_steps import disputes, history
from intermezzo.human_steps.disputes import Dispute
from intermezzo.human_steps.history import Story
from intermezzo.ledger import Payer
from intermezzo.store import Store, utc_now
from intermezzo.store.tables import human_tasks

if TYPE_CHECKING:
    from collections.abc import Sequence


class DisputeQueue:
    """Disputes that wait for an operator, of all organisations.

    Args:
        store: where they are.
        test: those of test tasks instead of live ones; the others are not there.
    """

    def __init__(self, store: Store, *, test: bool = False) -> None:
        self.store = store
        self.test = test

    async def list(self, *, limit: int = 50) -> "Sequence[Dispute]":
        """Disputes that nobody has decided, the oldest first.

        Args:
            limit: most to return, 1 to 1,000.
        """
        most = min(max(limit, 1), 1000)
        return await self.store.read(lambda c: disputes.open_disputes(c, test=self.test, limit=most))

    async def get(self, dispute_id: str) -> Dispute:
        """One dispute, decided or not.

        Raises:
            DisputeNotFound: there is none of that id.
        """
        return await self.store.read(lambda c: self._find(c, dispute_id)[0])

    async def story(self, dispute_id: str) -> Story:
        """What an operator judges by: everything that happened to the task of a dispute.

        Raises:
            DisputeNotFound: there is none of that id.
        """

        def work(connection: Connection) -> Story:
            found, payer = self._find(connection, dispute_id)
            return history.story(connection, payer, found.task_id)

        return await self.store.read(work)

    async def resolve(self, dispute_id: str, *, upheld: bool, by: str, note: str | None = None) -> Dispute:
        """Decide a dispute; the same decision again changes nothing.

        Args:
            upheld: the requester is right: the answer is rejected, and asked of another worker while the task is
                open. Else it is approved and paid.
            by: the operator.
            note: for both sides, at most 5,000 characters.

        Raises:
            DisputeNotFound: there is none of that id.
            NotReviewable: the other decision was made before.
            WorkerError: `by` or `note` cannot be stored.
        """

        def work(connection: Connection) -> Dispute:
            self._find(connection, dispute_id)
            return disputes.resolve(connection, dispute_id, upheld=upheld, by=by, note=note, at=utc_now())

        return await self.store.write(work)

    def _find(self, connection: Connection, dispute_id: str) -> tuple[Dispute, Payer]:
        found = disputes.find(connection, dispute_id)
        of_task = select(human_tasks.c.org, human_tasks.c.test).where(human_tasks.c.id == found.task_id)
        task = connection.execute(of_task).one()
        if task.test != self.test:
            raise DisputeNotFound(f"there is no {'test' if self.test else 'live'} dispute {dispute_id!r}")
        return found, Payer(task.org, test=task.test)
