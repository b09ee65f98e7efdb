"""Calls that store something at the same time share a transaction: while one commits the others wait, and go together
with the next. A call alone waits for nobody."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from django.db import connection

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Call(Generic[Item, Result]):
    """A call that waits for its results."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.is_settled = False
        self.results: Sequence[Result] | None = None
        self.error: Exception | None = None
        # Settled with neither: the transaction that it shared has failed, maybe for the sake of another call.


class GroupCommit(Generic[Item, Result]):
    """Stores the items of several calls by one call of `store`, which returns a result for each item, in order, once
    they are committed."""

    def __init__(self, store: Callable[[Sequence[Item]], Sequence[Result]], max_items: int) -> None:
        """Set the bound: `max_items` of one transaction. A call with more waits for nobody, and nobody for it."""
        self._store, self._max_items = store, max_items
        self._change = threading.Condition()
        self._waiting: deque[_Call[Item, Result]] = deque()
        self._is_storing = False

    def run(self, items: Sequence[Item]) -> Sequence[Result]:
        """Store the items and return their results. Raises what `store` raises for them alone."""
        if connection.in_atomic_block or len(items) > self._max_items:  # of a transaction the caller commits
            return self._store(items)
        call: _Call[Item, Result] = _Call(items)
        with self._change:
            self._waiting.append(call)
        while not call.is_settled:
            if group := self._next_group(call):
                self._settle(group)
        if call.error is not None:
            raise call.error
        return self._store(items) if call.results is None else call.results

    def _next_group(self, call: _Call[Item, Result]) -> list[_Call[Item, Result]]:
        """Wait until the call is settled or nobody stores; then return the calls that have waited longest, as many as
        fit into a transaction."""
        with self._change:
            if self._is_storing:
                connection.close()  # back to the pool: who stores may need it
                self._change.wait_for(lambda: call.is_settled or not self._is_storing)
            if call.is_settled:
                return []
            self._is_storing, group, count = True, [], 0
            while self._waiting and count + len(self._waiting[0].items) <= self._max_items:
                group.append(self._waiting.popleft())
                count += len(group[-1].items)
        return group

    def _settle(self, group: Sequence[_Call[Item, Result]]) -> None:
        """Store the items of the calls, and settle these whatever comes of it."""
        try:
            results = iter(self._store([item for call in group for item in call.items]))
            for call in group:
                call.results = [next(results) for _ in call.items]
        except Exception as error:
            if len(group) == 1:
                group[0].error = error
        finally:
            with self._change:
                self._is_storing = False
                for call in group:
                    call.is_settled = True
                self._change.notify_all()
