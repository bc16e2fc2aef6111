"""Every operation against torch: Hypothesis draws shapes, values, dtypes and random cotangents; orders 1 and 2 are judged."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parity import programs, strategies, verdicts
from parity.engines import load
from parity.ops import OPS

TORCH, MINIGRAD = load("torch"), load("minigrad")
OFFERED = [name for name, op in OPS.items() if not MINIGRAD.missing(op.expression)]


@pytest.mark.parametrize("name", OFFERED)
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_value_and_two_orders_of_derivatives_are_torchs(name: str, data: st.DataObject) -> None:
    op = OPS[name]
    program = data.draw(strategies.programs(TORCH, ops=(op,), max_ops=1, wild=False))
    order = min(2, op.order)
    with programs.quiet():
        result = verdicts.check(program, MINIGRAD, TORCH, order, "disputes")
    assert not result.verdict.fails, programs.script(program, "minigrad", order)


def test_nearly_every_operation_of_the_table_is_offered() -> None:
    assert len(OFFERED) > 0.95 * len(OPS), sorted(set(OPS) - set(OFFERED))
