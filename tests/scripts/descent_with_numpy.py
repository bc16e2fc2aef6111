"""Tensors among NumPy functions and pictures: stacked, squeezed, multiplied, plotted; and backward from a leaf
itself."""

import matplotlib.pyplot as plt
import numpy as np
import torch as t
from torch.autograd import Variable

x = t.Tensor([1])
print("grad", x.grad, "data", x.data)
for _ in range(5):
    y = x**2 + 2 * x + 1
    y.requires_grad = True
    y.backward()
    print("grad", y.grad)
    x.data = x.data - 0.01 * y.grad
    y.grad.data.zero_()
print(x.data, Variable(x).requires_grad)


device = t.device("cpu")


def fake_data(n):
    x = t.rand(n, 1, device=device) * 5
    return x, x * 2 + 3 + t.rand(n, 1) * 2


data_x, data_y = fake_data(24)
plt.scatter(np.squeeze(data_x), np.squeeze(data_y))
data_x = t.from_numpy(np.hstack((data_x, np.ones_like(data_x))))
theta = t.randn((2, 1), requires_grad=True)
losses = []
for _ in range(120):
    predicted = data_x.mm(theta)
    loss = 1 / (2 * 24) * (predicted - data_y) ** 2
    loss = loss.sum()
    losses.append(loss.item())
    loss.backward()
    theta.data.sub_(0.05 * theta.grad.data)
    theta.grad.data.zero_()
print("losses", losses[:3], losses[-1])
plt.scatter(np.squeeze(data_x[:, 0]), np.squeeze(data_y), c="red")
plt.plot(data_x.detach().numpy()[:, 0], data_x.mm(theta).detach().numpy())
plt.show()
print(data_x.numpy()[:2], np.array(data_y)[:2], np.asarray(data_x).dtype, data_x * np.float32(2))
