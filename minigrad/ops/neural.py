"""What neural networks use, with rules of its own for precision, for speed, or to keep torch's name in print:
activations, the softmax family, normalisation, affine maps, rows of a table, and losses with their reduction.

Everything else in `nn.functional` is composed. `axes` is a tuple of dimensions; a loss's `reduction` is 'none', 'mean'
or 'sum', and its rules multiply the incoming gradient by `share`, the part that each element has in the result.
Arguments are checked and converted in nn/functional.py, which calls these by position. Next: nn/functional.py.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd.graph import Array, differentiable
from ..rules.elementwise import clamp_numbers, exp, log, sigmoid, sign, tanh, where
from ..rules.matrix import dot_matrices
from ..rules.reductions import mean_over, spread, sum_over
from ..rules.shapes import transposed
from ..rules.transcendental import erf, rsqrt
from .calling import torch_function
from .choosing import add_slices
from .layout import row_major
from .promotion import no_slope
from .shapes import as_dims
from .sums import total

EPSILON = float(np.float32(1e-12))  # torch's bound of p (1 - p), a float32 also for float64
SQRT_HALF, SQRT_2_OVER_PI = math.sqrt(0.5), math.sqrt(2 / math.pi)

# ------------------------------------------------------------------ activations


@differentiable(name="LeakyReluBackwardBackward0", x=lambda g, like, slope: leaked(g, like, slope), like=no_slope)
def leaked(x: Array, like: Array, slope: float) -> Array:
    """The gradient of leaky_relu. It depends on `like`, too, if only by steps."""
    return np.where(like > 0, x, x * slope)


@differentiable(x=lambda g, x, slope: leaked(g, x, slope))
def leaky_relu(x: Array, slope: float) -> Array:
    return leaked(x, x, slope)


@differentiable(x=lambda g, x, alpha: where(x <= 0, g * (alpha * exp(where(x < 0, x, 0.0))), g))
def elu(x: Array, alpha: float) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.where(x > 0, x.dtype.type(0), x)))


@differentiable(x=lambda g, x: g * (0.5 * (1 + erf(x * SQRT_HALF)) + x * exp(-0.5 * (x * x)) * (0.5 * SQRT_2_OVER_PI)))
def gelu(x: Array) -> Array:
    return x * 0.5 * (1 + erf(x * SQRT_HALF))


def gelu_tanh_slope(g: Any, x: Any) -> Any:
    t = tanh(SQRT_2_OVER_PI * (x + 0.044715 * (x * x * x)))
    return g * (0.5 * (1 + t) + (0.5 * SQRT_2_OVER_PI) * x * (1 - t * t) * (1 + 3 * 0.044715 * (x * x)))


@differentiable(name="GeluBackward0", x=gelu_tanh_slope)
def gelu_tanh(x: Array) -> Array:
    return 0.5 * x * (1 + np.tanh(SQRT_2_OVER_PI * (x + 0.044715 * (x * x * x))))


@differentiable(x=lambda g, x: g * (sigmoid(x) * (1 + x * (1 - sigmoid(x)))))
def silu(x: Array) -> Array:
    return x / (1 + np.exp(-x))


def softplus_slope(g: Any, x: Any, beta: float, threshold: float) -> Any:
    linear = x * beta > threshold
    e = exp(where(linear, 0.0, x * beta))  # e / (e + 1) keeps what sigmoid loses to underflow
    return where(linear, g, g * (e / (e + 1)))


@differentiable(x=softplus_slope)
def softplus(x: Array, beta: float, threshold: float) -> Array:  # linear above the threshold
    scaled = x * beta
    return np.where(scaled > threshold, x, np.log1p(np.exp(np.minimum(scaled, threshold))) / beta)


@differentiable(name="LogSigmoidBackward0", x=lambda g, x: g * sigmoid(-x))
def logsigmoid(x: Array) -> Array:
    return row_major(log_of_sigmoid(x))


def log_of_sigmoid(x: Array) -> Array:
    return np.minimum(x, 0) - np.log1p(np.exp(-np.absolute(x)))


# ------------------------------------------------------------------ the softmax family: exponentials of x - max(x)


def exponentials(x: Array, axes: tuple[int, ...] | None) -> tuple[Array, Array, Array]:
    """x - m, exp(x - m) and its sum, for m the maximum of x."""
    if not x.size:
        return x, x, total(x, axes, True)
    centred = x - np.maximum.reduce(x, axis=axes, keepdims=True)
    e = np.exp(centred)
    return centred, e, total(e, axes, True)


@differentiable(name="SoftmaxBackward0", x=lambda g, out, axes: out * (g - sum_over(g * out, axes, True)))
def softmax_over(x: Array, axes: tuple[int, ...] | None) -> Array:
    _, e, total = exponentials(x, axes)
    return row_major(e / total)


@differentiable(name="LogSoftmaxBackward0", x=lambda g, out, axes: g - exp(out) * sum_over(g, axes, True))
def log_softmax_over(x: Array, axes: tuple[int, ...] | None) -> Array:
    centred, _, total = exponentials(x, axes)
    return row_major(centred - np.log(total))


@differentiable(name="LogsumexpBackward0",
                x=lambda g, x, out, axes, keepdim: spread(g, x.shape, axes, keepdim)
                                                   * exp(x - spread(out, x.shape, axes, keepdim)))  # fmt: skip
def logsumexp_over(x: Array, axes: tuple[int, ...] | None, keepdim: bool) -> Array:
    m = np.maximum.reduce(x, axis=axes, keepdims=True, initial=-np.inf)
    m = np.where(np.isfinite(m), m, x.dtype.type(0))
    out = np.log(total(np.exp(x - m), axes, True)) + m
    return out if keepdim else np.squeeze(out, axes)


def _axes(x: Any, dim: int, dtype: Any, kernel: str) -> tuple[Any, tuple[int, ...] | None]:
    """x as floats of `dtype`, and the dimension as axes (None for a 0-d tensor)."""
    if dtype is not None:
        x = x._cast(dtype.numpy)
    if x._array.dtype.kind != "f":
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{x.dtype.legacy}'")
    return x, as_dims(dim, x.ndim)


@torch_function
def softmax(input: Any, dim: int, dtype: Any = None) -> Any:
    """exp(x) / sum(exp(x)) over a dimension."""
    return softmax_over(*_axes(input, dim, dtype, "softmax_lastdim_kernel_impl"))


@torch_function
def log_softmax(input: Any, dim: int, dtype: Any = None) -> Any:
    """log(softmax(x)) over a dimension, without its overflow and underflow."""
    return log_softmax_over(*_axes(input, dim, dtype, "log_softmax_lastdim_kernel_impl"))


@torch_function
def logsumexp(input: Any, dim: Any, keepdim: bool = False) -> Any:
    """log(sum(exp(x))) over one or more dimensions, without overflow. Integers become floats."""
    if input._array.dtype.kind != "f":
        input = input._to_default_float()
    return logsumexp_over(input, as_dims(dim, input.ndim), keepdim)


# ------------------------------------------------------------------ normalisation, affine maps, rows of a table


def standardized(x: Any, axes: tuple[int, ...], eps: float, stats: Any = None) -> tuple[Any, Any]:
    """(x - mean) * factor over the axes, and factor = 1/sqrt(variance + eps); or with a given mean and factor."""
    if stats is not None:
        return (x - stats[0]) * stats[1], stats[1]
    centred = x - mean_over(x, axes, True)
    factor = rsqrt(mean_over(centred * centred, axes, True) + eps)
    return centred * factor, factor


def norm_slope(g: Any, x: Any, weight: Any, axes: tuple[int, ...], eps: float, stats: Any) -> Any:
    h, factor = standardized(x, axes, eps, stats)
    g = g if weight is None else g * weight
    return factor * (g if stats is not None else g - mean_over(g, axes, True) - h * mean_over(g * h, axes, True))


def _norm(x: Array, weight: Array | None, bias: Array | None, axes: tuple[int, ...], eps: float, stats: Any) -> Array:
    out = row_major(standardized(x, axes, eps, stats)[0])
    if weight is not None:
        out *= weight
    if bias is not None:
        out += bias
    return out


batch_norm, layer_norm = (
    differentiable(name=name, x=norm_slope,
                   weight=lambda g, x, axes, eps, stats: g * standardized(x, axes, eps, stats)[0],
                   bias=lambda g: g)(_norm)
    for name in ("NativeBatchNormBackward0", "NativeLayerNormBackward0")
)  # fmt: skip


@differentiable(name="AddmmBackward0",
                x=lambda g, weight: dot_matrices(g, weight),
                weight=lambda g, x: dot_matrices(transposed(g), x),
                bias=lambda g: g)  # fmt: skip
def affine(x: Array, weight: Array, bias: Array) -> Array:
    """x @ weight.T + bias for x (n, i), weight (o, i), bias (o,)."""
    out = dot_matrices.forward(x, weight.T)
    out += bias
    return out


@differentiable(weight=lambda g, index, weight_shape, padding: add_slices(mask_rows(g, index, padding), index, weight_shape, 0),
                index=None)  # fmt: skip
def embedding(weight: Array, index: Array, padding: int | None) -> Array:
    """The rows of weight (n, d) at index; the row `padding` gets no gradient."""
    return weight[index]


def mask_rows(x: Any, index: Any, padding: int | None) -> Any:
    return x if padding is None else where((index != padding)[..., None], x, 0.0)


@differentiable(x=lambda g, rows, classes, x_shape: place(g, rows, classes, x_shape))
def pick(x: Array, rows: Array, classes: Array) -> Array:
    """x[rows[i], classes[i]] for different rows."""
    return x[rows, classes]


@differentiable(x=lambda g, rows, classes: pick(g, rows, classes))
def place(x: Array, rows: Array, classes: Array, shape: tuple[int, ...]) -> Array:
    """Zeros with x[i] at (rows[i], classes[i]): the adjoint of `pick`."""
    out = np.zeros(shape, x.dtype)
    out[rows, classes] = x
    return out


# ------------------------------------------------------------------ losses of an input and a target of the same shape


def reduced(values: Array, reduction: str, weight: Any = None) -> Array:
    """The loss from the losses of the elements, each multiplied by its weight, if there is one."""
    if weight is not None:
        values = values * weight
    if reduction == "none":
        return values
    return total(values, divisor=None if reduction == "sum" else values.size)


def share(g: Any, reduction: str, shape: tuple[int, ...], factor: float = 1.0, weight: Any = None) -> Any:
    """The gradient of each element's loss, times a factor: g times its weight, divided by their number for a mean."""
    if reduction == "mean":
        factor /= math.prod(shape) or math.nan
    return g * factor if weight is None else g * factor * weight


def mse_slope(g: Any, input: Any, target: Any, reduction: str) -> Any:
    return (input - target) * share(2.0, reduction, input.shape) * g


@differentiable(input=mse_slope, target=lambda g, input, target, reduction: mse_slope(g, target, input, reduction))
def mse_loss(input: Array, target: Array, reduction: str) -> Array:
    difference = input - target
    return reduced(difference * difference, reduction)


def huber_slope(g: Any, input: Any, target: Any, reduction: str, knee: float, factor: float) -> Any:
    d = input - target
    limited = where((d >= knee) | (d <= -knee), sign(d) * knee, d)
    return limited * share(g, reduction, input.shape, factor)


def _huber(input: Array, target: Array, reduction: str, knee: float, factor: float) -> Array:
    """factor * (d*d/2 for |d| < knee, else knee*(|d| - knee/2))."""
    d = np.absolute(input - target)
    return reduced(np.where(d < knee, 0.5 * d * d, knee * (d - 0.5 * knee)) * factor, reduction)


# smooth L1 is Huber's loss divided by its knee
huber_loss, smooth_l1_loss = (
    differentiable(name=name, input=huber_slope, target=lambda g, input, target, reduction, knee, factor:
                   huber_slope(g, target, input, reduction, knee, factor))(_huber)
    for name in ("HuberLossBackward0", "SmoothL1LossBackward0")
)  # fmt: skip


def bce_slope(g: Any, input: Any, target: Any, weight: Any, reduction: str) -> Any:
    slope = (input - target) / clamp_numbers((1 - input) * input, EPSILON, None)
    return share(g, reduction, input.shape, 1.0, weight) * slope


@differentiable(input=bce_slope,
                target=lambda g, input, weight, reduction:
                    share(g, reduction, input.shape, 1.0, weight) * (log(1 - input) - log(input)),
                weight=None)  # fmt: skip
def binary_cross_entropy(input: Array, target: Array, weight: Any, reduction: str) -> Array:
    """-(t log p + (1 - t) log(1 - p)) for probabilities p, with logarithms of at least -100."""
    log_p, log_q = np.maximum(np.log(input), -100), np.maximum(np.log1p(-input), -100)
    return reduced((target - 1) * log_q - target * log_p, reduction, weight)


def logits_slope(g: Any, input: Any, target: Any, weight: Any, positive: Any, reduction: str) -> Any:
    s = sigmoid(input)
    slope = s - target if positive is None else (positive * target + 1 - target) * s - positive * target
    return share(g, reduction, input.shape, 1.0, weight) * slope


def logits_target_slope(g: Any, input: Any, weight: Any, positive: Any, reduction: str) -> Any:
    slope = -input if positive is None else logsigmoid(-input) - positive * logsigmoid(input)
    return share(g, reduction, input.shape, 1.0, weight) * slope


@differentiable(input=logits_slope, target=logits_target_slope, weight=None, positive=None)
def binary_cross_entropy_with_logits(input: Array, target: Array, weight: Any, positive: Any, reduction: str) -> Array:
    """-(positive t log s + (1 - t) log(1 - s)) for s = sigmoid(input); positive None is 1."""
    log_s = log_of_sigmoid(input)
    log_s = log_s if positive is None else (1 + (positive - 1) * target) * log_s
    return reduced((1 - target) * input - log_s, reduction, weight)


# ------------------------------------------------------------------ the loss of classes


def nll_slope(
    g: Any, target: Any, weight: Any, rows: Array, classes: Array, weights: Any, total: Any, input_shape: tuple[int, ...]
) -> Any:
    """target and weight are named so that they are kept: a write to them before backward is noticed, as in torch."""
    each = g[rows] * weights if total is None else g * (weights / total)
    return place(-each, rows, classes, input_shape)


@differentiable(input=nll_slope, target=None, weight=None)
def nll_loss(input: Array, target: Any, weight: Any, rows: Array, classes: Array, weights: Any, total: Any) -> Array:
    """-sum of weights[i] * input[rows[i], classes[i]] / total, for log-probabilities; without total, not summed.

    rows, classes and weights are what the target and the weight of each class say, read in nn/functional.py.
    """
    losses = -input[rows, classes] * weights
    if total is not None:
        return np.add.reduce(losses) / total
    out = np.zeros(len(input), input.dtype)
    out[rows] = losses
    return out
