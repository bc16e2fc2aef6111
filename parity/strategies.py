"""Hypothesis strategies for tests of your own: values that hurt, shapes that broadcast, whole programs.

from hypothesis import given
from parity import check, strategies

@given(strategies.arrays((3, 2)), strategies.arrays((2,)))
def test_my_layer(x, w):
    assert check(lambda torch, x, w: (x * w).sum(), x, w)
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from parity.engines import Engine, load
from parity.programs import SHAPES, Program, compose_any, quiet, table

if TYPE_CHECKING:
    from parity.ops import Op

_below = lru_cache(None)(lambda n: st.integers(0, n - 1))
_bytes = lru_cache(None)(lambda n: st.binary(min_size=n, max_size=n))


class Drawn:
    """A `programs.Source` whose draws Hypothesis makes, and so can shrink."""

    def __init__(self, draw: Any):
        self._draw = draw

    def below(self, n: int) -> int:
        return self._draw(_below(n)) if n > 1 else 0  # type: ignore[no-any-return]

    def bytes(self, n: int) -> bytes:
        return self._draw(_bytes(n))  # type: ignore[no-any-return]


def shapes() -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes of 0 to 4 axes, with axes of 1 and 0."""
    return st.sampled_from(SHAPES)


@st.composite
def broadcastable_shapes(draw: Any, shape: Sequence[int]) -> tuple[int, ...]:
    """A shape that broadcasts with the given one."""
    from parity import ops

    holder: Any = type("", (), {"below": Drawn(draw).below})()
    return ops.broadcastable(holder, tuple(shape))


@st.composite
def arrays(
    draw: Any,
    shape: Sequence[int] | None = None,
    dtype: Any = np.float32,
    low: float = -30.0,
    high: float = 30.0,
    gap: float = 0.0,
    wild: bool = False,
) -> np.ndarray:
    """Float arrays with entries in [low, high], at least `gap` from zero, simple numbers first.

    `wild` adds inf, nan, signed zeros, subnormals and the largest numbers.
    """
    shape = tuple(draw(shapes()) if shape is None else shape)
    size = int(np.prod(shape, dtype=np.int64))
    raw = np.frombuffer(draw(_bytes(size)), np.uint8)
    return table(low, high, gap, np.dtype(dtype).name, wild)[raw].reshape(shape)


@st.composite
def programs(
    draw_: Any,
    model: Engine | None = None,
    ops: tuple[Op, ...] | None = None,
    max_ops: int = 8,
    dtypes: tuple[str, ...] = ("float32", "float64"),
    wild: bool | None = None,
) -> Program:
    """Random programs over the op table, shapes solved forward on the model engine (torch)."""
    if ops is None:
        from parity.ops import PROGRAM_OPS

        ops = PROGRAM_OPS
    with quiet():
        return compose_any(Drawn(draw_), model or load("torch"), ops, max_ops, dtypes, wild)[0]
