"""States and moves as a table: one line a move. The guarded UPDATE, allowed_actions and the docs' diagram all read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Move:
    """An action that takes a record from any of ``sources`` to ``target`` (``None``: it stays where it is)."""

    action: str
    sources: tuple[StrEnum, ...]
    target: StrEnum | None


class Lifecycle:
    """The moves of one kind of record, and what else it offers in which state."""

    def __init__(self, kind: str, moves: Sequence[Move], offers: dict[str, tuple[StrEnum, ...] | None]) -> None:
        self.kind = kind
        self.moves = {move.action: move for move in moves}
        if len(self.moves) != len(moves):
            raise ValueError(f"an action of {kind} stands twice in its lifecycle")
        self.offers = offers
        registry[kind] = self

    def sources(self, action: str) -> list[str]:
        """The states from which the action may be taken."""
        return [state.value for state in self.moves[action].sources]

    def target(self, action: str) -> str | None:
        """The state to which the action leads; ``None`` when it stays."""
        target = self.moves[action].target
        return target.value if target is not None else None

    def rows(self) -> list[tuple[str, str, list[str] | None]]:
        """What ``access.offer`` holds of this kind: (kind, action, states or None for every state)."""
        found: list[tuple[str, str, list[str] | None]] = [
            (self.kind, action, self.sources(action)) for action in self.moves
        ]
        for action, states in self.offers.items():
            found.append((self.kind, action, [s.value for s in states] if states is not None else None))
        return found

    def diagram(self) -> str:
        """The moves as a Mermaid state diagram."""
        lines = ["stateDiagram-v2"]
        for move in self.moves.values():
            for source in move.sources:
                lines.append(f"    {source.value} --> {(move.target or source).value}: {move.action}")
        return "\n".join(lines)


registry: dict[str, Lifecycle] = {}
