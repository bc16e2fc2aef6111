"""Tensors made from data and from rules: torch's dtypes, and its numbers to the last bit."""

import math

import numpy as np
import pytest

import minigrad

torch = pytest.importorskip("torch")

MODULES = minigrad, torch


def both(make):
    """The two results, or the kinds of error, of a function of the module."""
    results = []
    for module in MODULES:
        try:
            results.append(make(module).numpy())
        except Exception as error:
            results.append(type(error))
    return results


def assert_same(make):
    ours, theirs = both(make)
    assert type(ours) is type(theirs)
    if isinstance(theirs, np.ndarray):
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape and ours.tobytes() == theirs.tobytes(), (ours, theirs)
    else:
        assert ours is theirs


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
def test_linspace_and_arange_have_torchs_bits(dtype):
    rng = np.random.default_rng(0)
    usual = [(-3, 3, 100), (0, 1, 10), (-math.pi, math.pi, 50), (5, -2, 31), (1, 1, 1), (0, 1, 0), (0, 7, 2)]
    drawn = [(rng.normal() * 10, rng.normal() * 10, int(rng.integers(0, 300))) for _ in range(150)]
    for start, end, steps in usual + drawn:
        assert_same(lambda t: t.linspace(start, end, steps, dtype=getattr(t, dtype)))
    usual = [(-2, 2, 0.05), (-3, 3, 0.06), (0, 1, 0.1), (-math.pi, math.pi, 0.1), (0, 10, 0.01), (5, 0.5, -0.3), (1, 5.5, 1.5)]
    drawn = [(start, start + rng.integers(1, 200) * step, step) for start, step in rng.normal(size=(150, 2))]
    for start, end, step in usual + drawn:
        if dtype == "int64" and int(step) == 0:
            continue  # refused: a step of 0
        assert_same(lambda t: t.arange(start, end, step, dtype=getattr(t, dtype)))
    assert_same(lambda t: t.arange(2.5, dtype=getattr(t, dtype)))


@pytest.mark.parametrize(
    "data",
    [
        [np.float64(1), 2.5], [2.5, np.float64(1)], [np.int64(1), 0.5], [np.int8(1), 2], [np.int8(1), True], [True, 1], [True, 1.5],
        [np.float32(1), 2], [np.float16(1), np.int64(3)], [[1, 2], [3, 4.5]], [np.int8(3)], [[np.float32(1)], [np.float64(0.1)]],
        [[True], [False]], [], [[]], [[1.5, 2], [3, 4]], range(3), [(1, 2), [3.5, 4]],
    ],
    ids=repr,
)  # fmt: skip
def test_a_sequence_has_the_dtype_of_all_its_numbers(data):
    assert_same(lambda t: t.tensor(data))
    assert_same(lambda t: t.tensor(data, dtype=t.float64))


def test_tensors_in_a_sequence_have_their_say_in_its_dtype():
    assert_same(lambda t: t.tensor([t.tensor(1), 2.5]))
    assert_same(lambda t: t.tensor([1, t.tensor(2.5, dtype=t.float64)]))
    assert_same(lambda t: t.tensor([[t.tensor(True)], [t.tensor(3, dtype=t.int16)]]))


@pytest.mark.parametrize("kind", [float, int, bool])
def test_pythons_types_stand_for_dtypes(kind):
    for make in (
        lambda t: t.zeros(2, dtype=kind),
        lambda t: t.tensor([1, 0], dtype=kind),
        lambda t: t.as_tensor([1, 0], dtype=kind),
        lambda t: t.ones(2).to(kind),
        lambda t: t.ones(2).to(dtype=kind),
        lambda t: t.ones(2).sum(dtype=kind) if kind is not bool else t.ones(1),
        lambda t: t.full((2,), 1, dtype=kind),
        lambda t: t.arange(2, dtype=kind) if kind is not bool else t.ones(1),
    ):
        assert_same(make)
    assert_same(lambda t: t.zeros(2, dtype=np.float32))
    assert_same(lambda t: t.zeros(2, dtype="float32"))


def test_numpys_numbers_are_numbers():
    for value in (np.float64(4), np.int32(4), np.float32(0.1)):
        assert_same(lambda t: t.full((2,), value))
        assert_same(lambda t: t.ones(2).clamp(min=value))
        assert_same(lambda t: t.tensor([3.0, 4.0]).norm(p=value))
    assert_same(lambda t: t.tensor([0.5, 3.0]).clamp(t.tensor(1.0), 2.0))


def test_fill_takes_numbers_only():
    for value in (None, [1, 2], "1"):
        with pytest.raises(TypeError):
            minigrad.zeros(2).fill_(value)
    assert_same(lambda t: t.zeros(2).fill_(np.float32(1.5)))


def test_normal_of_a_size_takes_tensors_of_one_number():
    for t in MODULES:
        t.manual_seed(3)
    assert_same(lambda t: t.normal(mean=t.tensor(0.5), std=1.0, size=(3,)))
    assert_same(lambda t: t.normal(0.0, t.tensor(2.0), size=(3,)))
    assert_same(lambda t: t.bernoulli(t.zeros(8), p=t.tensor(0.5)))


def test_the_old_constructor_of_a_tensor_keeps_its_graph():
    grads = []
    for t in MODULES:
        x = t.tensor([1.0, 2.0], requires_grad=True)
        t.Tensor(x * x).backward(t.tensor([0.5, -2.0]))
        grads.append(x.grad.tolist())
    assert grads[0] == grads[1] == [1.0, -8.0]


def test_limits_print_as_torchs():
    for name in ("float16", "float32", "float64"):
        assert repr(minigrad.finfo(getattr(minigrad, name))) == repr(torch.finfo(getattr(torch, name)))
    for name in ("uint8", "int8", "int32", "int64"):
        assert repr(minigrad.iinfo(getattr(minigrad, name))) == repr(torch.iinfo(getattr(torch, name)))


def test_grad_takes_only_inputs():
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    (g,) = minigrad.autograd.grad((x * x), x, minigrad.tensor([0.5, -2.0]), only_inputs=True)
    assert g.tolist() == [1.0, -8.0]
