"""A loop whose time is its own: it passes only where everybody waits, and then at once."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class _Selector(selectors.DefaultSelector):  # type: ignore[misc,valid-type]
    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.passed += timeout or 0.0
        return super().select(0 if timeout is not None else None)


class Unhurried(asyncio.SelectorEventLoop):
    """Deadlines pass in order and exactly, however long the machine takes. For what waits for timers and nothing else."""

    def __init__(self) -> None:
        self._hands = _Selector()
        super().__init__(self._hands)

    def time(self) -> float:
        return self._hands.passed


def unhurried(act: Coroutine[Any, Any, Any]) -> Any:
    """Run it in such a loop."""
    with asyncio.Runner(loop_factory=Unhurried) as runner:
        return runner.run(act)
