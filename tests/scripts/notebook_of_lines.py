"""A notebook's cells in a row: a line and a cubic fitted with Variables, tensors handed to matplotlib as they are."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.autograd import Variable

torch.manual_seed(7)
x_train = np.array([[0.5], [1.5], [2.5], [3.1], [4.2]], dtype=np.float32)
y_train = np.array([[1.1], [1.9], [3.2], [3.4], [4.9]], dtype=np.float32)
plt.plot(x_train, y_train, "bo")
x_train, y_train = torch.from_numpy(x_train), torch.from_numpy(y_train)
w = Variable(torch.randn(1), requires_grad=True)
b = Variable(torch.zeros(1), requires_grad=True)
print(w)
x_train, y_train = Variable(x_train), Variable(y_train)


def linear_model(x):
    return x * w + b


def get_loss(y_, y):
    return torch.mean((y_ - y) ** 2)


y_ = linear_model(x_train)
plt.plot(x_train.data.numpy(), y_.data.numpy(), "ro", label="estimated")
plt.plot(x_train, y_train, "bo")
plt.legend()
loss = get_loss(y_, y_train)
print(loss)
loss.backward()
print(w.grad, b.grad, torch.sigmoid(x_train * w + b))
w.data = w.data - 1e-2 * w.grad.data
b.data = b.data - 1e-2 * b.grad.data
for e in range(10):
    loss = get_loss(linear_model(x_train), y_train)
    w.grad.zero_()
    b.grad.zero_()
    loss.backward()
    print(loss.data)
    w.data = w.data - 1e-2 * w.grad.data
    b.data = b.data - 1e-2 * b.grad.data
    print(f"epoch: {e}, loss: {loss.item()}")

w_target, b_target = np.array([0.4, -2, 1.3]), np.array([0.2])
print(f"y = {b_target[0]:.2f} + {w_target[0]:.2f} * x + {w_target[1]:.2f} * x^2")
x_sample = np.arange(-2, 2.1, 0.1)
y_sample = b_target[0] + w_target[0] * x_sample + w_target[1] * x_sample**2 + w_target[2] * x_sample**3
x_train = torch.from_numpy(np.stack([x_sample**i for i in range(1, 4)], axis=1)).float()
y_train = torch.from_numpy(y_sample).float().unsqueeze(1)
print(x_train.size())
w = Variable(torch.randn(3, 1), requires_grad=True)
b = Variable(torch.zeros(1), requires_grad=True)
for e in range(60):
    y_pred = torch.mm(Variable(x_train), w) + b
    loss = get_loss(y_pred, y_train)
    if w.grad is not None:
        w.grad.data.zero_()
        b.grad.data.zero_()
    loss.backward()
    w.data = w.data - 0.01 * w.grad.data
    b.data = b.data - 0.01 * b.grad.data
    if (e + 1) % 20 == 0:
        print(f"epoch {e + 1}, Loss: {loss.data.item():.5f}")
print(w.grad, b.grad)
plt.plot(x_train.data.numpy()[:, 0], y_pred.data.numpy(), label="fitting curve", color="r")
plt.plot(x_train.data.numpy()[:, 0], y_sample, label="real curve", color="b")
plt.legend()
