"""Keys and indices that beginners write by accident: torch's value and gradient, or torch's error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import minigrad

# x has shape (3, 4); T is torch.tensor, i and j are tensors [0, 1] and [1, 2], u bytes, m a mask of the rows
KEYS = """
[[0, 1], [1, 2]] | [[0, 1]] | [0, [1, 2]] | [[0], [1], [2]] | [[]] | [] | [slice(0, 1), [1, 2]] | [slice(0, 1)] | [None, 0] | [..., 0]
[i, j] | [T(0), T(1)] | [m, 0] | [m] | [True, False, True] | [True, [1, 2]] | [[True, False, True], 0] | ([0, 1], [1, 2]) | [(0, 1), (1, 2)]
([[0, 1], [1, 2]],) | (slice(None), [[0, 1], [1, 2]]) | ([[0], [1]], [[0, 1]]) | [range(2), range(2)] | [np.array([0, 1]), np.array([1, 2])]
np.array([[0, 1], [1, 2]]) | [[0, 1], [1, 2]] * 15 | [[0, 1], [1, 2]] * 16 | ((0, 1), slice(None)) | (slice(None), [T(0), T(2)])
u | (u, 0) | (u, [0, 1]) | u[:2] | u[0] | u[1] | T([[1, 0, 0, 1]] * 3, dtype=torch.uint8) | np.array([1, 0, 1], np.uint8)
i.to(torch.int32) | i.to(torch.int16) | i.to(torch.int8) | (i.to(torch.int8), 0) | T(1, dtype=torch.int8) | i.float() | T(1.0)
np.array([1, 0, 1], np.int8) | np.array([1, 0, 1], np.uint16) | np.array(1) | np.array(True) | np.array(2, np.uint8) | np.int64(1) | 1.5
{0: 1} | [-1, 2] | [-1, 5] | range(2) | (i, j) | (i, 0) | (0, i) | (slice(None), i) | (m, m[:2]) | (i, None) | (None, i)
""".replace("\n", " | ").split(" | ")
# torch does not fill by these, nor convert a value for them; the engine does as with a bool mask and a value of x's dtype
FILLED = {"u": "m", "(u, 0)": "(m, 0)", "u[0]": "True", "u[1]": "False", "np.array(True)": "True", "np.array(2, np.uint8)": "True",
          "np.array([1, 0, 1], np.uint8)": "m", "T([[1, 0, 0, 1]] * 3, dtype=torch.uint8)": "T([[1, 0, 0, 1]] * 3).bool()"}  # fmt: skip
VALUES = "5.0", "T(5.0, dtype=torch.float64)", "T(5)", "T([5.0], dtype=torch.float64)", "T(7.0, requires_grad=True)"


def outcome(m: Any, key: str, value: str | None) -> Any:
    names = {"T": m.tensor, "torch": m, "np": np, "i": m.tensor([0, 1]), "j": m.tensor([1, 2])}
    names |= {"u": m.tensor([1, 0, 2], dtype=m.uint8), "m": m.tensor([True, False, True])}
    leaf = m.arange(12.0).reshape(3, 4).requires_grad_()
    x = leaf * 1
    try:
        if value is None:
            y = x[eval(key, names)]
        else:
            x[eval(key, names)] = source = eval(value, names)
            y = x
        y.backward(m.arange(1.0, y.numel() + 1).reshape(tuple(y.shape)))
        given = value and getattr(source, "grad", None)
        return y.tolist(), leaf.grad.tolist(), given if given is None else given.tolist()
    except Exception as error:
        return type(error)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("key", [k for k in KEYS if k])
def test_a_key_means_what_it_means_in_torch(key: str) -> None:
    assert outcome(minigrad, key, None) == outcome(torch, key, None)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("key", [k for k in KEYS if k])
def test_an_assignment_does_what_it_does_in_torch(key: str) -> None:
    for value in VALUES:
        expected = outcome(torch, key, value)
        if key in FILLED and expected is RuntimeError:
            expected = outcome(torch, FILLED[key], value if "grad" in value else "5.0")
        assert outcome(minigrad, key, value) == expected, value


# n is a number, r a vector, x a matrix; a number counts as a vector of one element
OF_NUMBERS = """
r.gather(0, T(1)) | n.gather(0, T(0)) | n.gather(0, T([0, 0])) | n.gather(0, T([1])) | x.gather(0, T(1)) | n.gather(0, T([[0, 0]]))
r.scatter(0, T(1), 7.0) | r.scatter(0, T(1), n) | r.scatter(0, T([1]), n) | n.scatter(0, T(0), 7.0)
n.scatter(0, T([0, 0]), 7.0) | n.scatter(0, T([0]), r[:1]) | x.scatter(0, T(1), 7.0) | n.scatter(0, T([[0]]), 7.0) | n.scatter(0, T([1]), 7.0)
r.scatter_add(0, T(1), n) | n.scatter_add(0, T([0, 0]), r) | n.scatter_add(0, T(0), n) | x.scatter_add(0, T(1), n) | r.scatter_add(0, T(1), 1.0)
n.index_select(0, T([0])) | n.index_select(0, T(0)) | n.index_select(0, T([0, 0])) | n.index_select(0, T([1])) | r.index_select(0, T(1))
n.masked_fill(T([True, False]), 7.0) | n.masked_fill(T(True), r[0]) | n.masked_select(T([True, False])) | r.masked_fill(T(True), n)
""".replace("\n", " | ").split(" | ")


@pytest.mark.parametrize("expression", [e for e in OF_NUMBERS if e])
def test_a_number_is_chosen_from_as_in_torch(expression: str) -> None:
    outcomes = []
    for m in (torch, minigrad):
        n, r = m.tensor(2.0, requires_grad=True), m.tensor([3.0, -1.0], requires_grad=True)
        x = m.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        try:
            y = eval(expression, {"T": m.tensor, "n": n, "r": r, "x": x})
            y.backward(m.arange(1.0, y.numel() + 1).reshape(tuple(y.shape)))
            outcomes.append([y.tolist(), *[t.grad if t.grad is None else t.grad.tolist() for t in (n, r, x)]])
        except Exception as error:
            outcomes.append([type(error)])
    assert outcomes[0] == outcomes[1]
