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


def result_type(x: Any, y: Any) -> dtypes.dtype:
    """The dtype of an elementwise operation on x and y, each a Tensor or a Python number (torch.result_type)."""
    numbers = [v for v in (x, y) if not isinstance(v, graph.Tensor)]
    if numbers:
        tensor = y if numbers[0] is x else x
        if isinstance(numbers[0], bool) or category(tensor._array.dtype) >= (2 if isinstance(numbers[0], float) else 1):
            return tensor.dtype  # type: ignore[no-any-return]
        return dtypes.get_default_dtype() if isinstance(numbers[0], float) else dtypes.int64
    if (x._array.ndim == 0) != (y._array.ndim == 0):
        strong, weak = (y, x) if x._array.ndim == 0 else (x, y)
        return strong.dtype if category(strong._array.dtype) >= category(weak._array.dtype) else weak.dtype  # type: ignore[no-any-return]
    return dtypes.promote_types(x.dtype, y.dtype)


def operand(value: Any) -> Any:
    """value as something that an operation takes: a Tensor or a Python number; None for foreign objects."""
    if isinstance(value, graph.Tensor) or type(value) in (float, int, bool):
        return value
    if isinstance(value, np.ndarray):
        return wrap(value)
    if isinstance(value, (np.floating, np.integer, np.bool_)):
        return value.item()
    if isinstance(value, (float, int)):
        return float(value) if isinstance(value, float) else int(value)
    return None


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


def shape_error(a: Any, b: Any) -> Exception:
    """torch's error for two shapes that do not broadcast."""
    n, m = np.shape(a), np.shape(b)
    for i in range(1, min(len(n), len(m)) + 1):
        if n[-i] != m[-i] and n[-i] != 1 and m[-i] != 1:
            return RuntimeError(
                f"The size of tensor a ({n[-i]}) must match the size of tensor b ({m[-i]}) at non-singleton dimension "
                f"{max(len(n), len(m)) - i}"
            )
    return RuntimeError(f"the operation is not defined for shapes {list(n)} and {list(m)}")
