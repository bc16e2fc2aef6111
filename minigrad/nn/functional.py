"""torch.nn.functional: what layers and losses compute, as functions.

Here arguments are checked and brought to one form; the derivative rules are in ops/neural.py. Next: layers.py and
losses.py, the modules that call these.
"""

# mypy: disable-error-code="no-any-return"
from __future__ import annotations

import math
import warnings
from numbers import Integral
from typing import Any

import numpy as np

from ..autograd.graph import source, wrap
from ..autograd.modes import is_grad_enabled, no_grad
from ..dtypes import dtype as DType
from ..ops import neural
from ..ops.calling import store
from ..ops.layout import empty_like
from ..ops.matrix import matmul
from ..ops.promotion import cannot_multiply, result_type
from ..ops.rearranging import broadcast_tensors
from ..ops.shapes import as_dim, broadcast_shapes, expand_to, permute
from ..random import bernoulli_
from ..rules import elementwise
from ..rules.elementwise import where
from ..rules.shapes import reshape_array, transposed
from ..tensor import Tensor
from .module import typename

__all__ = [
    "relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "softplus", "logsigmoid", "softmax", "log_softmax",
    "linear", "dropout", "embedding", "one_hot", "normalize", "batch_norm", "layer_norm", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "nll_loss", "cross_entropy",
]  # fmt: skip


def _tensor(function: str, value: Any) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"{function}(): argument 'input' (position 1) must be Tensor, not {typename(value)}")


def _number(function: str, argument: str, value: Any, kind: str = "float") -> Any:
    """A Python number from one, from NumPy's, or from a 0-d tensor: the others would make a float64 of a float32."""
    if isinstance(value, np.generic) or (isinstance(value, Tensor) and value.ndim == 0 and not value.requires_grad):
        value = value.item()
    if not isinstance(value, int | float):
        raise TypeError(f"{function}(): argument {argument} must be {kind}, not {type(value).__name__}")
    return value


def _floats(kernel: str, t: Tensor) -> None:
    if t._array.dtype.kind != "f":
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{t.dtype.legacy}'")


def _constant(function: str, name: str, t: Tensor | None, like: Tensor) -> Any:
    """An argument without derivative, in the dtype of `like`; None if it is not given. RuntimeError if it requires grad."""
    if t is not None and t.requires_grad and is_grad_enabled():
        text = f"The function '{function}' is not differentiable with respect to argument '{name}'. This input cannot have "
        raise RuntimeError(text + "requires_grad True.")
    return None if t is None else t._cast(like._array.dtype)


# ------------------------------------------------------------------ activations


def _activated(op: Any, kernel: str, input: Tensor, inplace: bool = False, *options: Any) -> Tensor:
    _tensor(op.__name__, input)
    if kernel:
        _floats(kernel, input)
    return input._in_place(op, *options) if inplace else op(input, *options)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(0, x)"""
    return _activated(elementwise.relu, "", input, inplace)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-x))"""
    return elementwise.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent"""
    return elementwise.tanh(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where it is positive, else negative_slope * x"""
    negative_slope = _number("leaky_relu", "'negative_slope' (position 2)", negative_slope, "Number")
    return _activated(neural.leaky_relu, "leaky_relu_cpu", input, inplace, negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where it is positive, else alpha * (exp(x) - 1)  (Clevert et al., 2016)"""
    alpha = _number("elu", "'alpha' (position 2)", alpha, "Number")
    return _activated(neural.elu, "elu_cpu", input, inplace, alpha)


def gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    """x times the normal distribution function of x, or its approximation by 'tanh'  (Hendrycks and Gimpel, 2016)"""
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    return _activated(neural.gelu if approximate == "none" else neural.gelu_tanh, "GeluKernelImpl", input)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x * sigmoid(x), also called swish"""
    return _activated(neural.silu, "silu_cpu", input, inplace)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta * x)) / beta, and x itself where beta * x is over the threshold"""
    if isinstance(input, Tensor) and input._array.dtype == np.float16:  # whose exponentials overflow; torch computes in float32
        return softplus(input.float(), beta, threshold).half()
    beta = _number("softplus", "'beta' (position 2)", beta, "Number")
    threshold = _number("softplus", "'threshold' (position 3)", threshold, "Number")
    return _activated(neural.softplus, "softplus_cpu", input, False, beta, threshold)


def logsigmoid(input: Tensor) -> Tensor:
    """log(sigmoid(x))"""
    return _activated(neural.logsigmoid, "log_sigmoid_cpu", input)


def _dim(name: str, input: Tensor, dim: int | None, stacklevel: int) -> int:
    if dim is not None:
        return dim
    text = f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument."
    warnings.warn(text, stacklevel=stacklevel + 1)
    return 0 if input.ndim in (0, 1, 3) else 1


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """exp(x) / sum(exp(x)) over a dimension"""
    return neural.softmax(input, _dim("softmax", input, dim, _stacklevel), dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """log(softmax(x)), without its overflow and underflow"""
    return neural.log_softmax(input, _dim("log_softmax", input, dim, _stacklevel), dtype)


# ------------------------------------------------------------------ layers


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight.T + bias, for input (..., i), weight (o, i) and bias (o,).

    RuntimeError when sizes or dtypes do not fit.
    """
    _tensor("linear", input)
    x, w = input._array, weight._array
    if x.ndim == 0 or w.ndim == 0:
        raise RuntimeError(f"both arguments to linear need to be at least 1D, but they are {x.ndim}D and {w.ndim}D")
    if bias is None:
        return matmul(input, transposed(weight) if w.ndim == 2 else weight)
    if w.ndim != 2:
        raise RuntimeError(f"mat2 must be a matrix, got {w.ndim}-D tensor")
    for name, t in (("mat1", input), ("self", bias)):
        if t._array.dtype is not w.dtype:
            types = f"{t.dtype.legacy} and {weight.dtype.legacy}"
            raise RuntimeError(f"{name} and mat2 must have the same dtype, but got {types}")
    rows = input if x.ndim == 2 else reshape_array(input, (math.prod(x.shape[:-1]), x.shape[-1]))
    if x.shape[-1] != w.shape[1]:
        raise cannot_multiply(rows, transposed(weight))
    if bias._array.shape != w.shape[:1]:
        bias = expand_to(bias, (len(rows._array), w.shape[0]))
    if input.requires_grad:  # torch keeps weight.t() for it, another tensor, which `weight.data = ...` leaves as it was
        weight = wrap(w, source(weight), weight._writes)
    out = neural.affine(rows, weight, bias)
    return out if x.ndim == 2 else reshape_array(out, (*x.shape[:-1], w.shape[0]))


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, each element is zero with probability p and else divided by 1 - p  (Srivastava et al., 2014)."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    p = _number("dropout", "'p' (position 2)", p)
    if not training or p == 0 or input.numel() == 0:
        return input
    if not input.is_floating_point():
        raise RuntimeError(f"result type Float can't be cast to the desired output type {input.dtype.legacy}")
    mask = wrap(np.zeros((), input._array.dtype) if p == 1 else empty_like(input._array))
    if p < 1:
        mask = bernoulli_(mask, 1 - p).div_(1 - p)
    return input.mul_(mask) if inplace else input * mask


def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None,
              norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False) -> Tensor:  # fmt: skip
    """The rows of weight (n, d) at the indices of input (...): (..., d). The row padding_idx gets no gradient.

    IndexError for an index that is out of range. NotImplementedError for max_norm, scale_grad_by_freq and sparse.
    """
    for name, position, t in (("weight", 1, weight), ("indices", 2, input)):
        if not isinstance(t, Tensor):
            text = f"embedding(): argument '{name}' (position {position}) must be Tensor, not {type(t).__name__}"
            raise TypeError(text)
    padding_idx = embedding_options(len(weight._array), padding_idx, max_norm, scale_grad_by_freq, sparse)
    if input._array.dtype not in (np.int64, np.int32):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{input.type()} instead (while checking arguments for embedding)"
        )
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    index = input._array
    if index.size and (index.min() < 0 or index.max() >= len(weight._array)):
        raise IndexError("index out of range in self")
    return neural.embedding(weight, input, padding_idx)


def embedding_options(n: int, padding_idx: int | None, max_norm: float | None, by_freq: bool, sparse: bool) -> int | None:
    """padding_idx, counted from the first of n rows; an error for what can't be."""
    if max_norm is not None or by_freq or sparse:
        raise NotImplementedError("minigrad's embedding has no max_norm, scale_grad_by_freq or sparse")
    if padding_idx is not None and not -n <= padding_idx < n:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return None if padding_idx is None else padding_idx % n


def one_hot(input: Tensor, num_classes: int = -1) -> Tensor:
    """For each class a row of zeros with a one at its place: (...) -> (..., num_classes), by default the greatest + 1."""
    _tensor("one_hot", input)
    classes = input._array
    if classes.dtype != np.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if not classes.size and num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    if classes.min(initial=0) < 0:
        raise RuntimeError("Class values must be non-negative.")
    n = classes.max() + 1 if num_classes == -1 else num_classes
    if classes.max(initial=0) >= n:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return wrap((classes[..., None] == np.arange(n)).astype(np.int64))


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """input divided by its p-norms over dim, or by eps where they are smaller."""
    result = input / input.norm(p, dim, keepdim=True).clamp(min=eps).expand_as(input)
    return result if out is None else store(result, out, "div", (input,))


def batch_norm(input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
               bias: Tensor | None = None, training: bool = False, momentum: float = 0.1,
               eps: float = 1e-5) -> Tensor:  # fmt: skip
    """Normalise each channel of input (n, c, ...) over all else  (Ioffe and Szegedy, 2015).

    In training by the mean and variance of the batch, which also move the running ones by `momentum` (there the
    variance is the unbiased one); else by the running ones. Then times weight (c,), plus bias (c,).
    """
    channels, size = input._array.shape[as_dim(1, input.ndim)], input._array.size
    if training and eps <= 0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    if eps < 0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    if training and (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    eps = _number("batch_norm", "'eps' (position 8)", eps)
    momentum = _number("batch_norm", "'momentum' (position 7)", momentum)
    for name, t in (("running_mean", running_mean), ("running_var", running_var), ("weight", weight), ("bias", bias)):
        if t is not None and t.numel() != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {t.numel()}")
        if t is not None and t.dtype is not input.dtype:
            raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype.")
        if name.startswith("running"):
            _constant("native_batch_norm", name, t, input)
    column, axes = (channels,) + (1,) * (input.ndim - 2), (0, *range(2, input.ndim))
    stats = None
    if not training:
        if running_mean is None or running_var is None:
            missing = "running_mean" if running_mean is None else "running_var"
            raise RuntimeError(f"{missing} must be defined in evaluation mode")
        factor = 1 / np.sqrt(running_var._array + eps)
        stats = np.array(running_mean._array).reshape(column), factor.reshape(column)  # a copy: training goes on with it
    elif size == channels:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
    elif running_mean is not None and running_var is not None and size:
        with no_grad():
            running_mean.mul_(1 - momentum).add_(wrap(momentum * input._array.mean(axes)))
            running_var.mul_(1 - momentum).add_(wrap(momentum * input._array.var(axes, ddof=1)))
    weight, bias = (None if t is None else reshape_array(t, column) for t in (weight, bias))
    return neural.batch_norm(input, weight, bias, axes, eps, stats)


def layer_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, bias: Tensor | None = None,
               eps: float = 1e-5) -> Tensor:  # fmt: skip
    """Normalise over the last dimensions, of the shape given; then times weight, plus bias  (Ba et al., 2016)."""
    text = "layer_norm(): argument 'normalized_shape' (position 2) must be tuple of ints"
    if not isinstance(normalized_shape, tuple | list):
        raise TypeError(f"{text}, not {type(normalized_shape).__name__}")
    for i, n in enumerate(normalized_shape):
        if not isinstance(n, int | Integral):
            raise TypeError(f"{text}, but found element of type {type(n).__name__} at pos {i}")
    shape, eps = tuple(normalized_shape), _number("layer_norm", "'eps' (position 5)", eps)
    if not shape:
        text = "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
        raise RuntimeError(text + "normalized_shape = []")
    if input._array.shape[-len(shape) :] != shape:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*, {', '.join(map(str, shape))}], "
            f"but got input of size{list(input.shape)}"
        )
    axes = tuple(range(input.ndim - len(shape), input.ndim))
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None and t._array.shape != shape:
            text = f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape {list(t.shape)} and "
            raise RuntimeError(f"{text}normalized_shape = {list(shape)}")
        if t is not None and t.dtype is not input.dtype:
            raise RuntimeError(f"mixed dtype (CPU): expect parameter to have scalar type of {input.dtype.legacy}")
    if input._array.dtype == np.float16:  # whose squares overflow; torch computes in float32
        weight, bias = (None if t is None else t.float() for t in (weight, bias))
        return layer_norm(input.float(), shape, weight, bias, eps).half()
    return neural.layer_norm(input, weight, bias, axes, eps, None)


# ------------------------------------------------------------------ losses

Old = bool | None  # size_average and reduce, which say what reduction says now


def _reduction(reduction: str, size_average: Old = None, reduce: Old = None) -> str:
    """The reduction's name, checked; the two old arguments still say it too, with a warning."""
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
        text = f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead."
        warnings.warn(text, stacklevel=4)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def _pair(input: Tensor, target: Tensor, kernel: str) -> tuple[Tensor, Tensor]:
    """Both in one dtype and, with a warning if they had not, in one shape."""
    for t in (input, target):
        if not isinstance(t, Tensor):
            raise AttributeError(f"'{type(t).__name__}' object has no attribute 'size': a loss takes tensors")
    if input._array.shape != target._array.shape:
        text = f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). This will "
        text += "likely lead to incorrect results due to broadcasting. Please ensure they have the same size."
        warnings.warn(text, stacklevel=3)
        input, target = broadcast_tensors(input, target)
    if input._array.dtype is not target._array.dtype:
        common = result_type(input, target).numpy
        input, target = input._cast(common), target._cast(common)
    if kernel:
        _floats(kernel, input)
    return input, target


def _weighted(losses: Tensor, input: Tensor, weight: Tensor | None) -> Tensor:
    """The losses of the elements times their weights, if there are any."""
    if weight is not None and weight.size() != input.size():
        raise ValueError("Weights and input must have the same size.")
    return losses if weight is None else losses * weight


def _reduced(losses: Tensor, reduction: str, weight: Tensor | None = None) -> Tensor:
    """The losses, their sum, or their mean: over the sum of the weights, if given."""
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    return losses.mean() if weight is None else losses.sum() / weight.sum()


def mse_loss(input: Tensor, target: Tensor, size_average: Old = None, reduce: Old = None, reduction: str = "mean",
             weight: Tensor | None = None) -> Tensor:  # fmt: skip
    """(input - target)**2, times weight; averaged (over the sum of the weights), summed or as it is."""
    reduction = _reduction(reduction, size_average, reduce)
    if weight is None:
        return neural.mse_loss(*_pair(input, target, "mse_cpu"), reduction)
    x, y = _pair(input, target, "")
    return _reduced(_weighted((x - y) ** 2, input, weight), reduction, weight)


def l1_loss(input: Tensor, target: Tensor, size_average: Old = None, reduce: Old = None, reduction: str = "mean",
            weight: Tensor | None = None) -> Tensor:  # fmt: skip
    """abs(input - target), times weight; averaged (over the sum of the weights), summed or as it is."""
    reduction = _reduction(reduction, size_average, reduce)
    x, y = _pair(input, target, "")
    return _reduced(_weighted((x - y).abs(), input, weight), reduction, weight)


def smooth_l1_loss(input: Tensor, target: Tensor, size_average: Old = None, reduce: Old = None, reduction: str = "mean",
                   beta: float = 1.0) -> Tensor:  # fmt: skip
    """d**2 / (2*beta) for d = abs(input - target) < beta, else d - beta/2."""
    beta = _number("smooth_l1_loss", "'beta' (position 4)", beta)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    reduction = _reduction(reduction, size_average, reduce)
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    return neural.smooth_l1_loss(*_pair(input, target, "smooth_l1_cpu"), reduction, beta, 1 / beta)


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0,
               weight: Tensor | None = None) -> Tensor:  # fmt: skip
    """d**2 / 2 for d = abs(input - target) < delta, else delta * (d - delta/2)  (Huber, 1964); times weight.

    The result has the dtype of input. RuntimeError for a gradient between two dtypes.
    """
    x, y = _pair(input, target, "")
    delta = _number("huber_loss", "'delta' (position 4)", delta)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    kind = input._array.dtype
    if kind is x._array.dtype:
        _floats("huber_cpu", input)
    elif kind.kind != "f":
        raise RuntimeError(f"result type {x.dtype.legacy} can't be cast to the desired output type {input.dtype.legacy}")
    reduction, mixed = _reduction(reduction), kind is not target._array.dtype
    for t, other in ((input, target), (target, input)):
        if mixed and t.requires_grad and is_grad_enabled():
            text = f"Found dtype {other.dtype.legacy} but expected {t.dtype.legacy}: huber_loss has no gradient between them, "
            raise RuntimeError(text + "convert one")
    if weight is None and not mixed:
        return neural.huber_loss(x, y, reduction, delta, 1.0)
    losses = neural.huber_loss(x, y, "none", delta, 1.0)._cast(kind)
    return _reduced(_weighted(losses, input, weight), reduction)


def _check_weight(input: Tensor, weight: Tensor | None, first: bool = False) -> None:
    """RuntimeError unless the weights fit the input; `first`: they are named first there."""
    if weight is not None:
        shape, other = input._array.shape, weight._array.shape
        common = broadcast_shapes(*((other, shape) if first else (shape, other)))
        if common != shape:
            raise RuntimeError(f"output with shape {list(shape)} doesn't match the broadcast shape {list(common)}")


def binary_cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Old = None,
                         reduce: Old = None, reduction: str = "mean") -> Tensor:  # fmt: skip
    """-(t log p + (1 - t) log(1 - p)) for probabilities p and targets t in [0, 1]; logarithms are at least -100."""
    reduction = _reduction(reduction, size_average, reduce)
    if target._array.shape != input._array.shape:
        text = f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is deprecated."
        raise ValueError(f"{text} Please ensure they have the same size.")
    _floats("binary_cross_entropy", input)
    if target.dtype is not input.dtype:
        raise RuntimeError(f"Found dtype {target.dtype.legacy} but expected {input.dtype.legacy}")
    for name, array in (("input", input._array), ("target", target._array)):
        if not ((array >= 0) & (array <= 1)).all():
            raise RuntimeError(f"all elements of {name} should be between 0 and 1")
    _check_weight(input, weight)
    weight = _constant("binary_cross_entropy", "weight", weight, input)
    return neural.binary_cross_entropy(input, target, weight, reduction)


def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor | None = None,
                                     size_average: Old = None, reduce: Old = None, reduction: str = "mean",
                                     pos_weight: Tensor | None = None) -> Tensor:  # fmt: skip
    """The binary cross-entropy of sigmoid(input), without its overflow; pos_weight multiplies the loss of positives."""
    reduction = _reduction(reduction, size_average, reduce)
    if target._array.shape != input._array.shape:
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    if target._array.dtype == bool:
        target - target  # which torch refuses, too
    if not target.is_floating_point():
        types = f"{input.dtype.legacy} can't be cast to the desired output type {target.dtype.legacy}"
        raise RuntimeError(f"result type {types}")
    input = input._cast(target._array.dtype)
    _check_weight(input, pos_weight, first=True)
    _check_weight(input, weight)
    weight = _constant("binary_cross_entropy_with_logits", "weight", weight, input)
    pos_weight = _constant("binary_cross_entropy_with_logits", "pos_weight", pos_weight, input)
    return neural.binary_cross_entropy_with_logits(input, target, weight, pos_weight, reduction)


def _check_class_weight(weight: Tensor | None, classes: int) -> None:
    if weight is not None and weight._array.shape != (classes,):
        text = f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of "
        raise RuntimeError(f"{text}shape: {list(weight.shape)}")


def nll_loss(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Old = None,
             ignore_index: int = -100, reduce: Old = None, reduction: str = "mean") -> Tensor:  # fmt: skip
    """-weight[t] * input[t] for log-probabilities input (c,), (n, c) or (n, c, ...) and classes t (), (n,) or (n, ...).

    The mean is over the sum of the weights. A target equal to ignore_index counts for nothing.
    """
    reduction = _reduction(reduction, size_average, reduce)
    _tensor("nll_loss", input)
    shape, label = input._array.shape, target._array
    if not shape:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    wanted, classes = (shape[:-1], shape[-1]) if len(shape) <= 2 else ((shape[0], *shape[2:]), shape[1])
    if len(shape) > 1 and shape[0] != (label.shape or (0,))[0]:
        raise ValueError(f"Expected input batch_size ({shape[0]}) to match target batch_size ({(label.shape or (0,))[0]}).")
    if len(shape) <= 2 and label.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if len(shape) == 4 and label.ndim != 3:
        raise RuntimeError(f"only batches of spatial targets supported (3D tensors) but got targets of dimension: {label.ndim}")
    if len(shape) == 1 and label.size != 1:
        raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {label.size}")
    if label.shape != wanted and len(shape) > 1:
        raise RuntimeError(f"Expected target size {list(wanted)}, got {list(label.shape)}")
    if label.dtype not in (np.int64, np.uint8):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {target.dtype.legacy}")
    _check_class_weight(weight, classes)
    if weight is not None and weight.dtype is not input.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype.legacy} but found {weight.dtype.legacy}")
    weight = _constant("nll_loss_forward", "weight", weight, input)
    if len(shape) > 2:
        input = permute(input, 0, *range(2, len(shape)), 1)
    if len(shape) != 2:
        input, label = reshape_array(input, (label.size, classes)), label.reshape(-1)
    rows, unsigned = np.arange(len(label)), label.view(f"u{label.itemsize}")  # in which a negative number is a large one
    if 0 <= ignore_index < classes or (label.size and np.maximum.reduce(unsigned) >= classes):
        rows = np.flatnonzero(label != ignore_index)
        label = label[rows]
        for wrong in label[(label < 0) | (label >= classes)]:
            raise IndexError(f"Target {wrong} is out of bounds.")
    weights: Any = 1.0 if weight is None else weight._array[label]
    total = None if reduction == "none" else 1.0
    if reduction == "mean":
        total = input._array.dtype.type(len(rows)) if weight is None else np.add.reduce(weights)
    out = neural.nll_loss(input, target, weight, rows, label, weights, total)
    return reshape_array(out, wanted) if reduction == "none" and len(shape) != 2 else out


def cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Old = None,
                  ignore_index: int = -100, reduce: Old = None, reduction: str = "mean",
                  label_smoothing: float = 0.0) -> Tensor:  # fmt: skip
    """nll_loss(log_softmax(input)) for classes; for a target of the input's shape, -sum(target * log_softmax(input)).

    With label smoothing e the target is a mixture: 1 - e of what is given and e of the uniform distribution.
    """
    reduction = _reduction(reduction, size_average, reduce)
    _tensor("cross_entropy_loss", input)
    label_smoothing = _number("cross_entropy_loss", "'label_smoothing' (position 6)", label_smoothing)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    dim, probabilities = 0 if input.ndim == 1 else 1, target._array.shape == input._array.shape
    if probabilities and not target.is_floating_point():
        text = "Expected floating point type for target with class probabilities, got "
        raise RuntimeError(text + target.dtype.legacy)
    if probabilities and ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    log_p = neural.log_softmax(input, dim)
    if not probabilities:
        loss = nll_loss(log_p, target, weight, None, ignore_index, None, reduction)
        if label_smoothing == 0:
            return loss
        if target.ndim == input.ndim:
            raise RuntimeError("output with shape [] doesn't match the broadcast shape [1]")
    classes = input._array.shape[dim]
    _check_class_weight(weight, classes)
    each = log_p if weight is None else log_p * reshape_array(weight, (classes,) + (1,) * (input.ndim - 1 - dim))
    if probabilities:
        if label_smoothing > 0:
            target = target * (1 - label_smoothing) + label_smoothing / classes
        loss = -(each * target).sum(dim if reduction == "none" else None)
        return loss / (input.numel() // classes) if reduction == "mean" else loss
    ignored = target == ignore_index
    smooth = where(ignored, 0.0, -each.sum(dim))
    if reduction != "none":
        smooth = smooth.sum()
    if reduction == "mean":
        kept = target._array[~ignored._array]
        smooth = smooth / (kept.size if weight is None else np.add.reduce(weight._array[kept]).item())
    return loss * (1 - label_smoothing) + smooth * (label_smoothing / classes)
