"""nn.functional without torch: rules against differences, and values and gradients at the corners, recorded from torch."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minigrad as torch
from minigrad import nn
from minigrad.nn import functional as F

inf, nan = math.inf, math.nan


def directional(function, points, directions, h):
    """d function(points + t * directions) / dt at t = 0, by a central difference of fourth order."""
    values = [function(*[p + k * h * d for p, d in zip(points, directions)]) for k in (-2, -1, 1, 2)]
    return (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)


def gradients(function, arrays, cotangents, order):
    """order 1: the gradients of <cotangents[0], function>; order k: those of <cotangents[k-1], gradients of order k-1>."""
    leaves = [torch.tensor(a, requires_grad=True) for a in arrays]
    values = [function(*leaves)]
    for k in range(order):
        pairs = [(v, torch.tensor(c)) for v, c in zip(values, cotangents[k]) if v.requires_grad]
        if not pairs:
            return [np.zeros_like(a) for a in arrays]
        outputs, grads = zip(*pairs)
        values = torch.autograd.grad(outputs, leaves, grads, create_graph=k + 1 < order, materialize_grads=True)
    return [v.detach().numpy() for v in values]


RNG = np.random.default_rng(0)
LABELS, WEIGHTS = torch.tensor([1, 0, 2]), torch.tensor([0.5, 2.0, 1.0], dtype=torch.float64)
INDEX = torch.tensor([[0, 2], [2, 1]])
TARGETS = torch.tensor(RNG.uniform(0.1, 0.9, (3, 3)))
X, Y = RNG.standard_normal((3, 3)), RNG.standard_normal((3, 3))
P = RNG.uniform(0.1, 0.9, (3, 3))

SMOOTH = {  # functions of float64 arrays, smooth at the points where they are tried
    "leaky_relu": (lambda x: F.leaky_relu(x, 0.2), [X]),
    "elu": (lambda x: F.elu(x, 1.3), [X]),
    "gelu": (F.gelu, [X]),
    "gelu tanh": (lambda x: F.gelu(x, approximate="tanh"), [X]),
    "silu": (F.silu, [X]),
    "softplus": (lambda x: F.softplus(x, 2.0), [X]),
    "logsigmoid": (F.logsigmoid, [X]),
    "softmax": (lambda x: F.softmax(x, 1), [X]),
    "log_softmax": (lambda x: F.log_softmax(x, 0), [X]),
    "linear": (F.linear, [X, Y, P[0]]),
    "linear, three dimensions": (lambda x, w, b: F.linear(x[None], w, b), [X, Y, P[0]]),
    "linear of a vector": (F.linear, [X[0], Y, P[0]]),
    "embedding": (lambda w: F.embedding(INDEX, w * w), [X]),
    "batch_norm": (lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), [X, P[0], P[1]]),
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (3,), w, b), [X, P[0], P[1]]),
    "mse_loss": (F.mse_loss, [X, Y]),
    "huber_loss": (lambda x, y: F.huber_loss(x, y, delta=0.7, reduction="none"), [X, Y]),
    "smooth_l1_loss": (lambda x, y: F.smooth_l1_loss(x, y, beta=0.6), [X, Y]),
    "l1_loss": (F.l1_loss, [X, Y]),
    "binary_cross_entropy": (lambda p, t: F.binary_cross_entropy(p, t, WEIGHTS), [P, P.T]),
    "with logits": (
        lambda x, t: F.binary_cross_entropy_with_logits(x, t, WEIGHTS, pos_weight=WEIGHTS, reduction="none"), [X, P],
    ),
    "nll_loss": (lambda x: F.nll_loss(x, LABELS, WEIGHTS, ignore_index=0), [X]),
    "cross_entropy": (lambda x: F.cross_entropy(x, LABELS, WEIGHTS, label_smoothing=0.1), [X]),
    "cross_entropy, each": (lambda x: F.cross_entropy(x, LABELS, reduction="none"), [X]),
    "cross_entropy, probabilities": (F.cross_entropy, [X, P]),
}  # fmt: skip


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_are_the_limits_of_differences(name, order):
    function, arrays = SMOOTH[name]
    rng = np.random.default_rng(1)
    out = function(*[torch.tensor(a) for a in arrays])
    shapes = [[tuple(out.shape)], *[[a.shape for a in arrays]] * order]
    cotangents = [[np.asarray(rng.standard_normal(shape)) for shape in level] for level in shapes]
    directions = [rng.standard_normal(a.shape) for a in arrays]

    def scalar(*points):
        if order == 1:
            values = [function(*[torch.tensor(p) for p in points]).numpy()]
        else:
            values = gradients(function, points, cotangents, order - 1)
        return sum(np.sum(c * v) for c, v in zip(cotangents[order - 1], values))

    computed = sum(np.sum(g * d) for g, d in zip(gradients(function, arrays, cotangents, order), directions))
    rough, fine = (directional(scalar, arrays, directions, h) for h in (2e-3, 1e-3))
    # halving h divides the error of the difference by 16; its values are rounded by some eps, and divided by h
    allowed = abs(rough - fine) / 8 + 64 * np.finfo(float).eps / 1e-3 * max(1.0, abs(scalar(*arrays)))
    assert abs(computed - fine) <= allowed
    assert allowed < 1e-6 * max(1.0, abs(fine)), "the difference says nothing here"


@pytest.mark.parametrize(
    "row, softmax, softmax_grad, log_softmax, log_softmax_grad, logsumexp, logsumexp_grad",
    [
        ([0.0, 0.0], [0.5, 0.5], [0.25, -0.25], [-0.693147182] * 2, [0.5, -0.5], 0.693147182, [0.5, 0.5]),
        ([1000.0, 0.0], [1, 0], [0, 0], [0, -1000], [0, 0], 1000, [1, 0]),
        ([inf, 0.0], [nan, nan], [nan, nan], [nan, nan], [nan, nan], inf, [nan, 0]),
        ([-inf, 0.0], [0, 1], [0, 0], [-inf, 0], [1, -1], 0, [0, 1]),
        ([-inf, -inf], [nan, nan], [nan, nan], [nan, nan], [nan, nan], -inf, [nan, nan]),
        ([nan, 0.0], [nan, nan], [nan, nan], [nan, nan], [nan, nan], nan, [nan, nan]),
    ],
)
def test_softmax_family_at_the_corners(
    row, softmax, softmax_grad, log_softmax, log_softmax_grad, logsumexp, logsumexp_grad
):
    """Gradients of the first element (of the whole, for logsumexp)."""
    for function, value, grad in (
        (lambda x: F.softmax(x, 0), softmax, softmax_grad),
        (lambda x: F.log_softmax(x, 0), log_softmax, log_softmax_grad),
        (lambda x: torch.logsumexp(x, 0), logsumexp, logsumexp_grad),
    ):
        x = torch.tensor(row, requires_grad=True)
        y = function(x)
        y.backward(torch.tensor([1.0, 0.0]) if y.ndim else None)
        np.testing.assert_allclose(y.detach().numpy(), np.float32(value), rtol=2e-7)
        np.testing.assert_allclose(x.grad.numpy(), np.float32(grad), rtol=2e-7)


@pytest.mark.parametrize(
    "difference, huber, huber_grad, smooth, smooth_grad",
    [
        (0.0, 0, 0, 0, 0),
        (0.5, 0.125, 0.5, 0.125, 0.5),
        (1.0, 0.5, 1, 0.5, 1),
        (-1.0, 0.5, -1, 0.5, -1),
        (1.5, 1, 1, 1, 1),
        (2.0, 1.5, 1, 1.5, 1),
        (nan, nan, nan, nan, nan),
        (inf, inf, 1, inf, 1),
    ],
)
def test_knees_of_huber_and_smooth_l1(difference, huber, huber_grad, smooth, smooth_grad):
    for function, value, grad in ((F.huber_loss, huber, huber_grad), (F.smooth_l1_loss, smooth, smooth_grad)):
        x = torch.tensor([difference], requires_grad=True)
        loss = function(x, torch.zeros(1))
        loss.backward()
        np.testing.assert_equal(loss.item(), value)
        np.testing.assert_equal(x.grad.item(), grad)


@pytest.mark.parametrize(
    "p, t, loss, grad",
    [
        (0.0, 0.0, 0, 0),
        (0.0, 1.0, 100, -1e12),
        (1.0, 0.0, 100, 1e12),
        (1.0, 1.0, 0, 0),
        (0.5, 1.0, 0.693147182, -2),
        (1e-20, 1.0, 46.0517006, -1e12),
        (0.3, 0.7, 0.949783444, -1.90476167),
    ],
)
def test_binary_cross_entropy_at_the_corners(p, t, loss, grad):
    x = torch.tensor([p], requires_grad=True)
    out = F.binary_cross_entropy(x, torch.tensor([t]))
    out.backward()
    assert (out.item(), x.grad.item()) == (pytest.approx(loss, rel=2e-7), pytest.approx(grad, rel=2e-7))


@pytest.mark.parametrize(
    "z, t, loss, grad",
    [
        (0.0, 0.0, 0.693147182, 0.5),
        (1000.0, 0.0, 1000, 1),
        (1000.0, 1.0, 0, 0),
        (-1000.0, 1.0, 1000, -1),
        (inf, 1.0, nan, 0),
        (inf, 0.0, inf, 1),
        (2.0, 0.3, 1.52692795, 0.580797017),
    ],
)
def test_binary_cross_entropy_with_logits_at_the_corners(z, t, loss, grad):
    x = torch.tensor([z], requires_grad=True)
    out = F.binary_cross_entropy_with_logits(x, torch.tensor([t]))
    out.backward()
    assert (out.item(), x.grad.item()) == (pytest.approx(loss, rel=2e-7, nan_ok=True), pytest.approx(grad, rel=2e-7))


@pytest.mark.parametrize(
    "function, x, value, grad",
    [
        (F.relu, 0.0, 0.0, 0.0),
        (F.relu, nan, nan, 1.0),
        (F.leaky_relu, 0.0, 0.0, 0.01),
        (F.leaky_relu, nan, nan, 0.01),
        (F.elu, 0.0, 0.0, 1.0),
        (lambda x: F.elu(x, 2.0), 0.0, 0.0, 2.0),
        (F.elu, -inf, -1.0, 0.0),
        (F.elu, inf, inf, 1.0),
        (F.softplus, 20.0, 20.0, 1.0),
        (F.softplus, 1000.0, 1000.0, 1.0),
        (F.softplus, -inf, 0.0, 0.0),
        (F.logsigmoid, 0.0, -0.693147182, 0.5),
        (F.logsigmoid, -1000.0, -1000.0, 1.0),
        (F.logsigmoid, 1000.0, 0.0, 0.0),
        (F.silu, 0.0, 0.0, 0.5),
        (F.gelu, 0.0, 0.0, 0.5),
        (F.gelu, 1000.0, 1000.0, 1.0),
    ],
)
def test_activations_at_their_knees(function, x, value, grad):
    leaf = torch.tensor(x, requires_grad=True)
    out = function(leaf)
    out.backward()
    np.testing.assert_allclose((out.item(), leaf.grad.item()), (value, grad), rtol=2e-7)


def test_cross_entropy_at_the_corners():
    def tried(x, t, **options):
        leaf = torch.tensor(x, requires_grad=True)
        loss = F.cross_entropy(leaf, torch.tensor(t), **options)
        loss.backward()
        return loss.item(), leaf.grad.numpy()

    cases = [
        (([1.0, 2.0, 3.0], 1), {}, 1.40760589, [0.0900305808, -0.755271494, 0.665241003]),
        (([[-inf, 0.0]], [0]), {}, inf, [[-1, 1]]),
        (([[-inf, 0.0]], [1]), {}, 0, [[0, 0]]),
        (([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]], [1, -100]), {}, 1.40760589, [[0.0900305808, -0.755271494, 0.665241003], [0, 0, 0]]),
        (([[1.0, 2.0], [3.0, 4.0]], [-100, -100]), {}, nan, [[0, 0], [0, 0]]),
    ]  # fmt: skip
    for arguments, options, loss, grad in cases:
        got = tried(*arguments, **options)
        np.testing.assert_allclose(got[0], loss, rtol=2e-7)
        np.testing.assert_allclose(got[1], np.float32(grad), rtol=5e-7)


def test_only_gradients_that_are_asked_for_are_kept():
    """The derivative of a loss needs its input; that of a sum of rows needs nothing but the indices."""
    x = torch.ones(2, 2, requires_grad=True)
    out = F.embedding(torch.tensor([0, 1]), x)
    with torch.no_grad():
        x.add_(1)
    out.backward(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))  # the table itself was not saved
    assert x.grad.tolist() == [[1, 2], [3, 4]]
    y = torch.ones(2, 2, requires_grad=True) * 1
    loss = F.mse_loss(y, torch.zeros(2, 2))
    with torch.no_grad():
        y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("written", ["target", "weight"])
@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss, F.binary_cross_entropy, F.binary_cross_entropy_with_logits])
def test_labels_and_weights_written_to_before_backward_are_noticed(loss, written):
    x, weight = torch.full((2, 2), 0.5, requires_grad=True), torch.ones(2)
    target = torch.zeros(2, 2) if "binary" in loss.__name__ else torch.tensor([0, 1])
    out = loss(x, target, weight)
    {"target": target, "weight": weight}[written].fill_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.backward()


def test_a_lost_super_init_is_named():
    class Net(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match=r"cannot assign module before Module.__init__\(\) call"):
        Net()
