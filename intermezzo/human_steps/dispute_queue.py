"""What an operator does about disputed answers; for shell, pages and HTTP."""

from typing import TYPE_CHECKING

from intermezzo.human_steps import disputes
from intermezzo.human_steps.disputes import Dispute
from intermezzo.store import Store, utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence


class DisputeQueue:
    """Disputes that wait for an operator.

    Args:
        store: where they are.
        test: see those of test tasks instead of live ones.
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
        return await self.store.read(lambda c: disputes.find(c, dispute_id))

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
        return await self.store.write(
            lambda c: disputes.resolve(c, dispute_id, upheld=upheld, by=by, note=note, at=utc_now())
        )
