"""A network of three layers whose gradients are written out by hand."""

import torch

n_input, n_hidden, n_output = 4, 3, 2
x = torch.randn((1, n_input))
y = torch.randn((1, n_output))
w1 = torch.randn(n_input, n_hidden)
w2 = torch.randn(n_hidden, n_output)
b1 = torch.randn((1, n_hidden))
b2 = torch.randn((1, n_output))


def sigmoid(z):
    return 1 / (1 + torch.exp(-z))


def sigmoid_delta(a):
    return a * (1 - a)


for step in range(4):
    a1 = sigmoid(torch.mm(x, w1) + b1)
    output = sigmoid(torch.mm(a1, w2) + b2)
    loss = y - output
    d_output = loss * sigmoid_delta(output)
    d_hidden = torch.mm(d_output, w2.t()) * sigmoid_delta(a1)
    w2 += torch.mm(a1.t(), d_output) * 0.1
    w1 += torch.mm(x.t(), d_hidden) * 0.1
    b2 += d_output.sum() * 0.1
    b1 += d_hidden.sum() * 0.1
    print(step, loss, output.sum())
print(w1, w2, b1, b2, sep="\n")
