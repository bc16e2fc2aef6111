"""torch.autograd.profiler, so that scripts which profile a block run: minigrad counts and times no operations."""

from typing import Any


class profile:
    """`with profile() as prof:` runs the block; the table of `prof` says what to use in its place."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> "profile":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def key_averages(self, **_: Any) -> "profile":
        return self

    def table(self, **_: Any) -> str:
        return "minigrad has no profiler: `python -m cProfile -s tottime -m minigrad script.py` times every function"

    __repr__ = table
