"""Random numbers without torch: recorded values, the state, what must not move the stream, and rounding once."""

import hashlib
import importlib
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import minigrad as torch
from minigrad import random

RECORDED = json.loads(Path(__file__).with_name("data").joinpath("streams.json").read_text())
for name in ("nn", "utils.data"):
    importlib.import_module(f"minigrad.{name}")


def values(drawn):
    if isinstance(drawn, (list, tuple)):
        return [values(x) for x in drawn]
    array = drawn.detach().numpy()
    about = f"{array.dtype}{list(array.shape)}"
    return [about, hashlib.sha256(array.tobytes()).hexdigest() if array.size > 50 else array.tolist()]


@pytest.mark.parametrize("call", RECORDED)
def test_draws_are_those_that_torch_made(call):
    for seed, recorded in RECORDED[call]:
        torch.manual_seed(seed)
        assert json.dumps(values(eval(call, {"torch": torch}))) == json.dumps(recorded), f"seed {seed}"


def test_a_restored_state_repeats_the_stream_with_its_spare_normal():
    generator = torch.Generator().manual_seed(11)
    torch.randn(3, generator=generator)
    state = generator.get_state()
    first = [torch.randn(n, generator=generator).tolist() for n in (1, 16, 2)]
    generator.set_state(state)
    assert [torch.randn(n, generator=generator).tolist() for n in (1, 16, 2)] == first
    assert state.dtype is torch.uint8 and state.shape == (5056,)


def test_seeds_are_taken_modulo_2_64_and_the_stream_by_their_low_half():
    assert torch.manual_seed(-1).initial_seed() == 2**64 - 1
    assert torch.manual_seed(5).initial_seed() == torch.initial_seed() == 5
    low = torch.rand(4).tolist()
    torch.manual_seed(5 + 2**32)
    assert torch.rand(4).tolist() == low and torch.initial_seed() == 5 + 2**32
    assert torch.Generator().initial_seed() == 67280421310721
    assert len({torch.seed() for _ in range(3)}) == 3


def test_a_generator_of_its_own_leaves_the_default_one_alone():
    torch.manual_seed(1)
    expected = torch.rand(3).tolist()
    torch.manual_seed(1)
    torch.randn(9, generator=torch.Generator().manual_seed(2))
    assert torch.rand(3).tolist() == expected


def test_a_refused_write_draws_nothing():
    torch.manual_seed(1)
    expected = torch.rand(3).tolist()
    torch.manual_seed(1)
    with pytest.raises(RuntimeError, match="leaf"):
        torch.zeros(3, requires_grad=True).normal_()
    assert torch.rand(3).tolist() == expected


def test_fills_count_as_writes():
    x, w = torch.ones(3), torch.ones(3, requires_grad=True)
    y = (x * w).sum()
    x.uniform_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_a_fill_through_a_view_touches_the_view_alone():
    x = torch.zeros(4, 6)
    x[:, ::2].normal_()
    assert (x[:, 1::2] == 0).all() and (x[:, ::2] != 0).all()


FLOATS = st.one_of(
    st.floats(-10, 10),
    st.integers(-64, 64).map(float),
    st.integers(1, 52).map(lambda k: 1 + 2.0**-k),
    st.floats(-1e30, 1e30),
)


def nearest(exact: Fraction, dtype):
    """The number of dtype next to `exact`; of two that are as near, the one whose last bit is 0."""
    guess = dtype(exact.numerator / exact.denominator)
    around = [np.nextafter(guess, dtype(-np.inf)), guess, np.nextafter(guess, dtype(np.inf))]
    bits = np.dtype(dtype).itemsize * 8
    return min(around, key=lambda v: (abs(Fraction(float(v)) - exact), int(v.view(f"i{bits // 8}")) & 1))


@settings(max_examples=500, deadline=None)
@given(FLOATS, FLOATS, FLOATS, st.sampled_from([np.float32, np.float64]))
def test_multiply_add_rounds_once(a, b, c, dtype):
    a, b, c = dtype(a), dtype(b), dtype(c)
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    assume(exact == 0 or 1e-30 < abs(exact) < 1e30)
    fma = random._fma32 if dtype is np.float32 else random._fma64
    assert fma(np.array([a]), b, c)[0] == nearest(exact, dtype)


def test_multiply_add_rounds_once_where_rounding_twice_goes_wrong():
    # a * b lies midway between two float32, and c is too small for float64 to keep in the sum
    a = np.array([1 + 2.0**-12], np.float32)
    for c, expected in ((2.0**-60, 1 + 2.0**-11 + 2.0**-23), (-(2.0**-60), 1 + 2.0**-11), (0.0, 1 + 2.0**-11)):
        assert random._fma32(a, a[0], np.float32(c))[0] == np.float32(expected)
    assert random._fma64(np.array([1e300]), 1e8, -1e300)[0] == np.float64(1e308) - 1e300


def test_normals_have_the_moments_of_normals():
    torch.manual_seed(3)
    for z in (torch.randn(400_000), torch.empty(2, 200_000).t().normal_(), torch.randn(200_000, dtype=torch.float64)):
        z, n = z.numpy().astype(float).ravel(), z.numel()
        moments = {1: 0, 2: 1, 3: 0, 4: 3}
        for k, expected in moments.items():
            spread = {1: 1, 2: 2, 3: 15, 4: 96}[k] ** 0.5 / n**0.5  # of the mean of z**k
            assert abs((z**k).mean() - expected) < 5 * spread
