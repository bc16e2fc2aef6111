"""A line fitted by full-batch gradient descent, the gradients reset through .data, with points and line drawn."""

import matplotlib.pyplot as plt
import torch

rate = 0.02
x = torch.rand([200, 1])
y_true = 2 * x - 0.7
w = torch.rand([1, 1], requires_grad=True)
b = torch.tensor(0, requires_grad=True, dtype=torch.float32)

for step in range(150):
    y_predict = torch.matmul(x, w) + b
    loss = (y_true - y_predict).pow(2).mean()
    if w.grad is not None:
        w.grad.data.zero_()
    if b.grad is not None:
        b.grad.data.zero_()
    loss.backward()
    w.data = w.data - rate * w.grad
    b.data = b.data - rate * b.grad
    if step % 30 == 0:
        print("w, b, loss", w.item(), b.item(), loss.item())

plt.figure(figsize=(10, 4))
plt.scatter(x.numpy().reshape(-1), y_true.numpy().reshape(-1))
y_predict = torch.matmul(x, w) + b
plt.plot(x.numpy().reshape(-1), y_predict.detach().numpy().reshape(-1), c="r")
plt.show()
try:
    y_predict.numpy()
except RuntimeError as error:
    print(error)
