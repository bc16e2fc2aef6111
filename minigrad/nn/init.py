"""Starting values for parameters: torch.nn.init, drawing the same numbers.

Every function fills the tensor given, outside the graph, and returns it. Glorot and Bengio ("Xavier", 2010) and He
et al. ("Kaiming", 2015) choose the spread so that signals keep their size from layer to layer; the fan of a weight
of shape (out, in, ...) is how many numbers meet in one output (fan_in) or leave one input (fan_out). `orthogonal_`
is not here: its numbers come from LAPACK and are no part of the stream.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from .. import _missing, random
from ..autograd.modes import no_grad
from ..creation import eye as eye_matrix
from ..random import Generator
from ..tensor import Tensor

GAINS = {"tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4}
GAINS |= dict.fromkeys("linear sigmoid conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d".split(), 1)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which the spread grows to make up for what the nonlinearity takes away.

    `param` is the slope of 'leaky_relu', 0.01 if not given. ValueError for an unknown nonlinearity or a slope that
    is no number.
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    return GAINS[nonlinearity]


def _fans(tensor: Tensor) -> tuple[int, int]:
    if tensor.dim() < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _xavier_std(tensor: Tensor, gain: float) -> float:
    return gain * math.sqrt(2.0 / sum(_fans(tensor)))


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode.lower() not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode.lower()} not supported, please use one of ['fan_in', 'fan_out']")
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return 0.0
    return calculate_gain(nonlinearity, a) / math.sqrt(_fans(tensor)[mode.lower() == "fan_out"])


def _filled(tensor: Tensor, fill: Callable[..., Tensor], *values: float, **options: Generator | None) -> Tensor:
    with no_grad():
        return fill(tensor, *values, **options)


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform on [a, b)."""
    return _filled(tensor, random.uniform_, a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with the given mean and standard deviation."""
    return _filled(tensor, random.normal_, mean, std, generator=generator)


def trunc_normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0,
                  generator: Generator | None = None) -> Tensor:  # fmt: skip
    """Normal, with what falls outside [a, b] drawn again. NotImplementedError if [a, b] holds 30 % of the normal or
    less: torch then draws in another way, through a logarithm whose last digit differs between machines."""
    below_a, below_b = (math.erf((x - mean) / std / math.sqrt(2.0)) / 2.0 for x in (a, b))
    if below_b - below_a <= 0.3:
        raise NotImplementedError(f"trunc_normal_ needs [a, b] to hold over 30 % of the normal; [{a}, {b}] holds less")
    a, b = (float(tensor.dtype.numpy.type(bound)) for bound in (a, b))
    normal_(tensor, mean, std, generator)
    with no_grad():
        while (outside := (tensor < a) | (tensor > b)).any():
            again = random.normal(mean, std, tensor.shape, dtype=tensor.dtype, generator=generator)
            tensor[outside] = again[outside]
    return tensor


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Every element `val`."""
    return _filled(tensor, Tensor.fill_, val)


def ones_(tensor: Tensor) -> Tensor:
    """Every element 1."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Every element 0."""
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Ones on the diagonal of a matrix, zeros elsewhere. ValueError unless it has 2 dimensions."""
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return _filled(tensor, lambda t: t.copy_(eye_matrix(*t.shape)))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform on [-a, a), a = gain * sqrt(6 / (fan_in + fan_out)). ValueError below 2 dimensions, here and below."""
    a = math.sqrt(3.0) * _xavier_std(tensor, gain)
    return uniform_(tensor, -a, a, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with std = gain * sqrt(2 / (fan_in + fan_out))."""
    return normal_(tensor, 0.0, _xavier_std(tensor, gain), generator)


def kaiming_uniform_(tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
                     generator: Generator | None = None) -> Tensor:  # fmt: skip
    """Uniform on [-b, b), b = gain * sqrt(3 / fan); `a` is the slope of a leaky_relu, `mode` says which fan."""
    b = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -b, b, generator)


def kaiming_normal_(tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
                    generator: Generator | None = None) -> Tensor:  # fmt: skip
    """Normal with std = gain / sqrt(fan)."""
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def __getattr__(name: str) -> Any:
    """The old names, without the underscore."""
    if f"{name}_" not in globals():
        raise AttributeError(_missing(f"torch.nn.init.{name}"))
    text = f"`nn.init.{name}` is now deprecated in favor of `nn.init.{name}_`."
    warnings.warn(text, FutureWarning, stacklevel=2)
    return globals()[f"{name}_"]
