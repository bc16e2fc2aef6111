"""The training steps that parity speed times: each lesson once in torch's names, and once derived by hand in NumPy.

A lesson takes a module (minigrad or torch) and its data, and gives a function that does one step and returns what is
compared. Beside it stands the same mathematics by hand, with views and buffers made before the clock runs.
Next: speed.py, which times them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from types import ModuleType
from typing import Any

import numpy as np

Array = Any
Data = dict[str, Any]
Step = Callable[[], Any]  # one training step; returns what is compared: tensors or arrays, or lists of them

# ------------------------------------------------------------------ the lessons, in torch's names


def leaves(torch: ModuleType, data: Data, *names: str) -> list[Any]:
    return [torch.tensor(data[name], requires_grad=True) for name in names]


def linear_regression(torch: ModuleType, data: Data) -> Step:
    """A line through n points, by hand but for the gradient: zero it, walk back, assign to `.data`."""
    x, y_true = torch.tensor(data["x"]), torch.tensor(data["y"])
    w, b = leaves(torch, data, "w", "b")

    def step() -> Any:
        y_predict = torch.matmul(x, w) + b
        loss = (y_true - y_predict).pow(2).mean()
        if w.grad is not None:
            w.grad.data.zero_()
        if b.grad is not None:
            b.grad.data.zero_()
        loss.backward()
        w.data = w.data - 0.01 * w.grad
        b.data = b.data - 0.01 * b.grad
        return loss, w, b, w.grad, b.grad

    return step


def minibatch(torch: ModuleType, data: Data) -> Step:
    """One batch of stochastic gradient descent, from scratch: the squared loss is summed, the update is in place."""
    X, y = torch.tensor(data["x"]), torch.tensor(data["y"])
    w, b = leaves(torch, data, "w", "b")
    batch_size = len(data["x"])

    def step() -> Any:
        y_hat = torch.matmul(X, w) + b
        loss = ((y_hat - y.reshape(y_hat.shape)) ** 2 / 2).sum()
        loss.backward()
        with torch.no_grad():
            for param in (w, b):
                param -= 0.03 * param.grad / batch_size
                param.grad.zero_()
        return loss, w, b

    return step


def polynomial(torch: ModuleType, data: Data) -> Step:
    """A cubic over the powers of x, as the notebook trains it."""
    x, y = torch.tensor(data["x"]), torch.tensor(data["y"])
    w, b = leaves(torch, data, "w", "b")

    def step() -> Any:
        y_ = torch.mm(x, w) + b
        loss = torch.mean((y_ - y) ** 2)
        if w.grad is not None:
            w.grad.data.zero_()
            b.grad.data.zero_()
        loss.backward()
        w.data = w.data - 0.001 * w.grad.data
        b.data = b.data - 0.001 * b.grad.data
        return loss, w, b, w.grad, b.grad

    return step


def tiny_network(torch: ModuleType, data: Data) -> Step:
    """5 inputs, 3 hidden units and 1 output, with the lesson's own sigmoid."""
    x, y = torch.tensor(data["x"]), torch.tensor(data["y"])
    parameters = w1, b1, w2, b2 = leaves(torch, data, "w1", "b1", "w2", "b2")

    def sigmoid_activation(z: Any) -> Any:
        return 1 / (1 + torch.exp(-z))

    def step() -> Any:
        a1 = sigmoid_activation(torch.mm(x, w1) + b1)
        output = sigmoid_activation(torch.mm(a1, w2) + b2)
        loss = ((y - output) ** 2 / 2).sum()
        loss.backward()
        with torch.no_grad():
            for parameter in parameters:
                parameter -= 0.1 * parameter.grad
                parameter.grad.zero_()
        return loss, output, *parameters

    return step


def mlp(torch: ModuleType, data: Data) -> Step:
    """Two layers with a relu between them, from scratch."""
    x, y = torch.tensor(data["x"]), torch.tensor(data["y"])
    parameters = w1, b1, w2, b2 = leaves(torch, data, "w1", "b1", "w2", "b2")

    def step() -> Any:
        output = torch.relu(x @ w1 + b1) @ w2 + b2
        loss = (output - y).pow(2).mean()
        loss.backward()
        with torch.no_grad():
            for parameter in parameters:
                parameter -= 0.1 * parameter.grad
                parameter.grad = None
        return loss, output, *parameters

    return step


def adam_mlp(torch: ModuleType, data: Data) -> Step:
    """The same network as a module, a classifier trained by Adam."""
    nn = importlib.import_module(f"{torch.__name__}.nn")
    optim = importlib.import_module(f"{torch.__name__}.optim")
    x, label = torch.tensor(data["x"]), torch.tensor(data["label"])
    (inputs, hidden), outputs = data["w1"].shape, data["w2"].shape[1]
    net = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))
    with torch.no_grad():
        for parameter, name in zip(net.parameters(), ("w1", "b1", "w2", "b2"), strict=True):
            parameter.copy_(torch.tensor(data[name].T))
    optimizer = optim.Adam(net.parameters(), lr=0.001)
    loss_fn = nn.CrossEntropyLoss()
    parameters = list(net.parameters())

    def step() -> Any:
        output = net(x)
        loss = loss_fn(output, label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss, output, *parameters

    return step


def rosenbrock(torch: ModuleType, data: Data) -> Step:
    """A step down the curved valley; both coordinates are 0-d."""
    x, y = leaves(torch, data, "x", "y")

    def step() -> Any:
        loss = (1 - x) ** 2 + 100 * (y - x**2) ** 2
        loss.backward()
        with torch.no_grad():
            x.sub_(0.001 * x.grad)
            y.sub_(0.001 * y.grad)
        gradients = x.grad, y.grad
        x.grad = y.grad = None
        return loss, *gradients, x, y

    return step


def elementwise(torch: ModuleType, data: Data) -> Step:
    """sigmoid(x) * y + x and back, from a random gradient."""
    g = torch.tensor(data["g"])
    x, y = leaves(torch, data, "x", "y")

    def step() -> Any:
        out = torch.sigmoid(x) * y + x
        x.grad = y.grad = None
        out.backward(g)
        return out, x.grad, y.grad

    return step


def add(torch: ModuleType, data: Data) -> Step:
    a, b = leaves(torch, data, "a", "b")
    return lambda: (a + b,)


def mul(torch: ModuleType, data: Data) -> Step:
    a, b = leaves(torch, data, "a", "b")
    return lambda: (a * b,)


def chain(torch: ModuleType, data: Data) -> Step:
    """n multiplications one after another, and back through all of them."""
    (x,) = leaves(torch, data, "x")
    n, g = data["n"], torch.tensor(data["g"])

    def step() -> Any:
        y = x
        for _ in range(n):
            y = y * x
        x.grad = None
        y.backward(g)
        return y, x.grad

    return step


def dataloader_epoch(torch: ModuleType, data: Data) -> Step:
    """All rows in batches, in a new order."""
    loading = importlib.import_module(f"{torch.__name__}.utils.data")
    torch.manual_seed(0)
    dataset = loading.TensorDataset(torch.tensor(data["x"]), torch.tensor(data["y"]))
    loader = loading.DataLoader(dataset, batch_size=data["batch_size"], shuffle=True)
    return lambda: [batch for batch in loader]


# ------------------------------------------------------------------ the same by hand
#
# NumPy computes a large array fastest into a buffer, a small one fastest into a new array; a constant beside an array costs
# least as a 0-d array, and a number as a number.


def number(value: float) -> Array:
    return np.array(value, np.float32)


def least_squares_by_hand(loss_scale: Callable[[int], float], rate: Callable[[int], float]) -> Callable[[Data], Step]:
    """loss_scale(n) times the sum of squares, and its gradient; the parameters move by rate(n) times that."""

    def by_hand(data: Data) -> Step:
        x, y, w, b = data["x"], data["y"], data["w"], data["b"]
        error, transposed, total = np.empty_like(y), x.T, np.add.reduce
        flat = error.reshape(-1)
        scale, step_size = loss_scale(len(x)), rate(len(x))
        slope, move = number(2 * scale), number(step_size)

        def step() -> Any:
            nonlocal w, b
            x.dot(w, error)
            np.add(error, b, error)
            np.subtract(error, y, error)
            loss = scale * flat.dot(flat)
            w_grad = transposed.dot(error) * slope
            b_grad = 2 * scale * total(flat)
            w = w - w_grad * move
            b = b - step_size * b_grad
            return loss, w, b, w_grad, b_grad

        return step

    return by_hand


def minibatch_by_hand(data: Data) -> Step:
    step = least_squares_by_hand(lambda n: 0.5, lambda n: 0.03 / n)(data)
    return lambda: step()[:3]


def tiny_network_by_hand(data: Data) -> Step:
    x, y = data["x"], data["y"]
    w1, b1, w2, b2 = (data[name] for name in ("w1", "b1", "w2", "b2"))
    x_column, one, rate = x.T, number(1), number(0.1)

    def step() -> Any:
        nonlocal w1, b1, w2, b2
        a1 = one / (one + np.exp(-(x.dot(w1) + b1)))
        output = one / (one + np.exp(-(a1.dot(w2) + b2)))
        error = output - y
        loss = 0.5 * error.item() ** 2
        d_output = error * (output * (one - output)) * rate  # times the rate, once for all that follows
        d_hidden = d_output.dot(w2.T) * (a1 * (one - a1))
        w2 = w2 - a1.T.dot(d_output)
        b2 = b2 - d_output
        w1 = w1 - x_column.dot(d_hidden)
        b1 = b1 - d_hidden
        return loss, output, w1, b1, w2, b2

    return step


def layers_by_hand(data: Data) -> tuple[Callable[[], Array], Callable[[Array], None], Array, Array, list[Array]]:
    """Forward and backward of two layers; parameters in one vector, gradients in another; the four parameters."""
    x, start = data["x"], [data[name] for name in ("w1", "b1", "w2", "b2")]
    parameters, named = one_vector(start)
    gradients, (w1_grad, b1_grad, w2_grad, b2_grad) = one_vector(start)
    w1, b1, w2, b2 = named
    rows = len(x)
    h, h_grad = np.empty((rows, len(b1)), x.dtype), np.empty((rows, len(b1)), x.dtype)
    output, alive = np.empty((rows, len(b2)), x.dtype), np.empty(h.shape, bool)
    x_columns, h_columns, w2_rows, zero = x.T, h.T, w2.T, number(0)

    def forward() -> Array:
        x.dot(w1, h)
        np.add(h, b1, h)
        np.maximum(h, zero, out=h)
        h.dot(w2, output)
        return np.add(output, b2, output)

    def backward(g: Array) -> None:
        h_columns.dot(g, w2_grad)
        np.add.reduce(g, 0, None, b2_grad)
        np.dot(g, w2_rows, h_grad)
        np.greater(h, zero, alive)
        np.multiply(h_grad, alive, h_grad)
        x_columns.dot(h_grad, w1_grad)
        np.add.reduce(h_grad, 0, None, b1_grad)

    return forward, backward, parameters, gradients, named


def one_vector(arrays: Sequence[Array]) -> tuple[Array, list[Array]]:
    """The arrays' elements in one vector, and views of it in their shapes."""
    vector = np.concatenate([a.ravel() for a in arrays])
    parts = np.split(vector, np.cumsum([a.size for a in arrays])[:-1])
    return vector, [part.reshape(a.shape) for part, a in zip(parts, arrays, strict=True)]


def mlp_by_hand(data: Data) -> Step:
    y = data["y"]
    forward, backward, parameters, gradients, named = layers_by_hand(data)
    g = np.empty_like(y)
    flat, slope, rate = g.reshape(-1), number(2 / g.size), number(0.1)

    def step() -> Any:
        output = forward()
        np.subtract(output, y, g)
        loss = flat.dot(flat) / flat.size
        np.multiply(g, slope, g)
        backward(g)
        np.multiply(gradients, rate, gradients)
        np.subtract(parameters, gradients, parameters)
        return loss, output, *named

    return step


def adam_mlp_by_hand(data: Data) -> Step:
    label, rows = data["label"], np.arange(len(data["label"]))
    forward, backward, parameters, gradients, named = layers_by_hand(data)
    named = [parameter.T for parameter in named]  # as nn.Linear has them
    mean, square = np.zeros_like(parameters), np.zeros_like(parameters)
    scratch, steps = np.empty_like(parameters), 0
    g = np.empty((len(label), data["b2"].size), parameters.dtype)

    def step() -> Any:
        nonlocal steps
        output = forward()
        np.subtract(output, np.maximum.reduce(output, 1, None, None, True), g)
        picked = g[rows, label]
        np.exp(g, g)
        total = np.add.reduce(g, 1, None, None, True)
        loss = (np.log(total).sum() - picked.sum()) / len(label)
        np.multiply(g, 1 / (total * len(label)), g)
        g[rows, label] -= np.float32(1 / len(label))
        backward(g)
        steps += 1
        np.multiply(mean, 0.9, mean)
        np.multiply(gradients, 0.1, scratch)
        np.add(mean, scratch, mean)
        np.multiply(square, 0.999, square)
        np.multiply(gradients, gradients, scratch)
        np.multiply(scratch, 0.001, scratch)
        np.add(square, scratch, square)
        np.sqrt(square, scratch)
        np.multiply(scratch, 1 / (1 - 0.999**steps) ** 0.5, scratch)
        np.add(scratch, 1e-8, scratch)
        np.divide(mean, scratch, scratch)
        np.multiply(scratch, 0.001 / (1 - 0.9**steps), scratch)
        np.subtract(parameters, scratch, parameters)
        return loss, output, *named

    return step


def rosenbrock_by_hand(data: Data) -> Step:
    x, y = data["x"][()], data["y"][()]

    def step() -> Any:
        nonlocal x, y
        valley, slope = y - x * x, 1 - x
        loss = slope * slope + 100 * (valley * valley)
        x_grad, y_grad = -2 * slope - 400 * valley * x, 200 * valley
        x, y = x - 0.001 * x_grad, y - 0.001 * y_grad
        return loss, x_grad, y_grad, x, y

    return step


def elementwise_by_hand(data: Data) -> Step:
    x, y, g = data["x"], data["y"], data["g"]
    s, out, x_grad, y_grad = (np.empty_like(x) for _ in range(4))

    def step() -> Any:
        np.negative(x, s)
        np.exp(s, s)
        np.add(s, 1, s)
        np.reciprocal(s, s)
        np.multiply(s, y, out)
        np.multiply(g, s, y_grad)
        np.subtract(1, s, x_grad)
        np.multiply(x_grad, out, x_grad)  # out is still s * y
        np.multiply(x_grad, g, x_grad)
        np.add(x_grad, g, x_grad)
        np.add(out, x, out)
        return out, x_grad, y_grad

    return step


def add_by_hand(data: Data) -> Step:
    a, b = data["a"], data["b"]
    return lambda: (a + b,)


def mul_by_hand(data: Data) -> Step:
    a, b = data["a"], data["b"]
    return lambda: (a * b,)


def chain_by_hand(data: Data) -> Step:
    x, n, start = data["x"][()], data["n"], data["g"][()]

    def step() -> Any:
        kept = [y := x]
        for _ in repeat(None, n - 1):
            kept.append(y := y * x)
        y, g, x_grad = y * x, start, 0 * x
        for before in reversed(kept):
            x_grad += g * before
            g = g * x
        x_grad += g
        return y, x_grad

    return step


def dataloader_epoch_by_hand(data: Data) -> Step:
    x, y, n, size = data["x"], data["y"], len(data["x"]), data["batch_size"]
    rng = np.random.default_rng(0)

    def step() -> Any:
        order = rng.permutation(n)
        return [[x[rows], y[rows]] for rows in (order[i : i + size] for i in range(0, n, size))]

    return step


# ------------------------------------------------------------------ what they start from


def random_arrays(seed: int = 0, **shapes: tuple[int, ...]) -> Data:
    """float32 from N(0, 1), by name."""
    rng = np.random.default_rng(seed)
    return {name: np.asarray(rng.standard_normal(shape), np.float32) for name, shape in shapes.items()}


def points(n: int, features: int, *bias: int) -> Data:
    """x (n, features), y (n, 1) on a plane with a little noise, and a start for the weights and the bias."""
    data = random_arrays(x=(n, features), noise=(n, 1), w=(features, 1))
    data["y"] = (data["x"].sum(1, keepdims=True) * 3 + 0.8 + 0.01 * data.pop("noise")).astype(np.float32)
    data["b"] = np.zeros(bias, np.float32)
    return data


def powers() -> Data:
    x = np.arange(-3, 3.1, 0.1, np.float32)
    y = (0.9 + 0.5 * x + 3 * x**2 + 2.4 * x**3).reshape(-1, 1).astype(np.float32)
    return {"x": np.stack([x, x**2, x**3], 1), "y": y, "b": np.zeros(1, np.float32), **random_arrays(w=(3, 1))}


def network(rows: int, inputs: int, hidden: int, outputs: int, *, tiny: bool = False) -> Data:
    bias = (1,) if tiny else ()
    data = random_arrays(x=(rows, inputs), y=(rows, outputs), w1=(inputs, hidden), b1=(*bias, hidden),
                         w2=(hidden, outputs), b2=(*bias, outputs))  # fmt: skip
    data["w1"] /= np.float32(inputs**0.5)
    data["w2"] /= np.float32(hidden**0.5)
    data["label"] = np.random.default_rng(1).integers(0, outputs, rows)
    return data


def table() -> Data:
    return {"batch_size": 10, **random_arrays(x=(1000, 2), y=(1000, 1))}


def factors(n: int, *shape: int) -> Data:
    return {"n": n, "x": np.full(shape, 1 - 2**-20, np.float32), **random_arrays(g=shape)}


@dataclass(frozen=True)
class Row:
    """A step to time.

    terms: of its longest sum; goals: the most time against torch's and NumPy's, None where there is no goal; large: its
    peak memory is measured too; unordered: each shuffles with a generator of its own.
    """

    lesson: Callable[[ModuleType, Data], Step]
    by_hand: Callable[[Data], Step]
    data: Callable[[], Data]
    terms: int
    goals: tuple[float | None, float | None]
    large: bool = False
    unordered: bool = False


def vectors(names: str, n: int) -> Callable[[], Data]:
    return lambda: random_arrays(**dict.fromkeys(names, (n,)))


def small_network() -> Data:
    return network(32, 64, 32, 10)


def large_network() -> Data:
    return network(256, 784, 256, 10)


line_by_hand = least_squares_by_hand(lambda n: 1 / n, lambda n: 0.01)
cubic_by_hand = least_squares_by_hand(lambda n: 1 / n, lambda n: 0.001)
ROWS = {
    "linreg_500": Row(linear_regression, line_by_hand, lambda: points(500, 1), 500, (0.25, 3.5)),
    "linreg_4000": Row(linear_regression, line_by_hand, lambda: points(4000, 1), 4000, (0.25, 3.5)),
    "linreg_1m": Row(linear_regression, line_by_hand, lambda: points(10**6, 1), 10**6, (1.0, None), large=True),
    "minibatch_2": Row(minibatch, minibatch_by_hand, lambda: points(2, 2, 1), 2, (0.25, 3.5)),
    "minibatch_10": Row(minibatch, minibatch_by_hand, lambda: points(10, 2, 1), 10, (0.25, 3.5)),
    "polynomial": Row(polynomial, cubic_by_hand, powers, 61, (0.25, 3.5)),
    "tiny_network": Row(tiny_network, tiny_network_by_hand, lambda: network(1, 5, 3, 1, tiny=True), 5, (0.33, 4.0)),
    "mlp_64": Row(mlp, mlp_by_hand, small_network, 64, (0.33, 2.0)),
    "mlp_784": Row(mlp, mlp_by_hand, large_network, 784, (1.0, 1.15), large=True),
    "rosenbrock": Row(rosenbrock, rosenbrock_by_hand, lambda: random_arrays(x=(), y=()), 2, (0.15, None)),
    "elementwise_1m": Row(elementwise, elementwise_by_hand, vectors("xyg", 10**6), 2, (1.0, None), large=True),
    "elementwise_10m": Row(elementwise, elementwise_by_hand, vectors("xyg", 10**7), 2, (1.0, None), large=True),
    "add": Row(add, add_by_hand, vectors("ab", 10), 1, (0.5, 3.0)),
    "mul": Row(mul, mul_by_hand, vectors("ab", 10), 1, (0.5, 3.0)),
    "chain_10": Row(chain, chain_by_hand, lambda: factors(10, 10), 10, (0.25, 3.5)),
    "chain_1m": Row(chain, chain_by_hand, lambda: factors(10**6), 10**6, (0.33, None), large=True),
    "adam_mlp": Row(adam_mlp, adam_mlp_by_hand, large_network, 784, (1.0, 1.15), large=True),
    "dataloader_epoch": Row(dataloader_epoch, dataloader_epoch_by_hand, table, 1, (0.33, None), unordered=True),
}
