"""Which type `x + y` has, and the error when the shapes do not fit.

torch ranks operands: a tensor with dimensions outranks a 0-d tensor, which outranks a Python number. The weaker one only
matters if its category (bool < integer < float) is higher. So float32 of shape (3,) times a 0-d float64 stays float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..autograd import graph
from ..autograd.graph import wrap
from ..dtypes import category


def result_type(tensor1: Any, tensor2: Any) -> dtypes.dtype:
    """The dtype of an elementwise operation on two operands, each a Tensor or a Python number (torch.result_type)."""
    strong, weak = tensor1, tensor2
    if not isinstance(strong, graph.Tensor) or (isinstance(weak, graph.Tensor) and strong._array.ndim == 0):
        strong, weak = weak, strong
    if isinstance(weak, graph.Tensor):
        if (strong._array.ndim == 0) == (weak._array.ndim == 0):
            return dtypes.promote_types(strong.dtype, weak.dtype)
        its = weak.dtype
    else:
        its = dtypes.get_default_dtype() if isinstance(weak, float) else dtypes.bool_ if isinstance(weak, bool) else dtypes.int64
    return strong.dtype if category(strong._array.dtype) >= category(its.numpy) else its  # type: ignore[no-any-return]


def operand(value: Any) -> Any:
    """value as something that an operation takes: a Tensor or a Python number; None for foreign objects."""
    if isinstance(value, graph.Tensor) or type(value) in (float, int, bool):
        return value
    if isinstance(value, np.ndarray):
        return wrap(value)
    if isinstance(value, (np.floating, np.integer, np.bool_)):
        return value.item()
    return float(value) if isinstance(value, float) else int(value) if isinstance(value, int) else None


def promoted(x: Any, y: Any, floats: bool = False) -> Any:
    """x and y in one type, as two Tensors or a float Tensor and a number; None if one of them is a foreign object."""
    x, y = operand(x), operand(y)
    if x is None or y is None:
        return None
    common = result_type(x, y)
    if floats and not common.is_floating_point:
        common = dtypes.get_default_dtype()
    return _convert(x, common), _convert(y, common)


def _convert(value: Any, to: dtypes.dtype) -> Any:
    if isinstance(value, graph.Tensor):
        return value._cast(to.numpy)
    if to.is_floating_point and not isinstance(value, bool):
        return value
    return wrap(np.asarray(value).astype(to.numpy))


def no_slope(g: Any) -> Any:
    """The gradient of a step function, whatever g is: zeros that depend on nothing, so that there is no second one, as in torch."""
    zeros = np.zeros(g.shape, getattr(g, "_array", g).dtype)
    return wrap(zeros) if isinstance(g, graph.Tensor) else zeros


def refuse_bool(array: Any, kernel: str) -> None:
    """torch's error for a kernel that does not compute with bools."""
    if array.dtype.kind == "b":
        raise NotImplementedError(f"\"{kernel}\" not implemented for 'Bool'")


def shape_error(a: Any, b: Any) -> Exception:
    """torch's error for two shapes that do not broadcast."""
    n, m = np.shape(a), np.shape(b)
    last = max(len(n), len(m)) - 1
    for i, (k, l) in enumerate(zip(n[::-1], m[::-1])):
        if k != l and k != 1 and l != 1:
            where = f"at non-singleton dimension {last - i}"
            return RuntimeError(f"The size of tensor a ({k}) must match the size of tensor b ({l}) {where}")
    return RuntimeError(f"the operation is not defined for shapes {list(n)} and {list(m)}")


def cannot_multiply(x: Any, y: Any) -> Exception:
    """Why x @ y is not defined: the dtypes, or the shapes."""
    for v in (x, y):
        if not isinstance(v, graph.Tensor):
            return TypeError(f"a matrix product takes tensors, not {type(v).__name__}")
    a, b = x._array.shape, y._array.shape
    vectors = len(a) == len(b) == 1
    if x.dtype is not y.dtype:
        if vectors:
            return RuntimeError(f"dot : expected both vectors to have same dtype, but found {x.dtype.legacy} and {y.dtype.legacy}")
        m1, m2 = (v.dtype.name.replace("32", "").replace("float64", "double") for v in (x, y))
        return RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {m1} != {m2}")
    if vectors:
        sizes = f"tensor [{a[0]}] and src [{b[0]}] to have the same number of elements, but got {a[0]} and {b[0]} elements respectively"
        return RuntimeError(f"inconsistent tensor size, expected {sizes}")
    if len(b) == 1:
        return RuntimeError(f"size mismatch, got input ({a[0]}), mat ({a[0]}x{a[1]}), vec ({b[0]})")
    if len(a) == 3:
        return RuntimeError(f"Expected size for first two dimensions of batch2 tensor to be: [{a[0]}, {a[2]}] but got: [{b[0]}, {b[1]}].")
    return RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({a[0]}x{a[1]} and {b[0]}x{b[1]})")
