"""Stochastic gradient descent written out: shuffled mini-batches, updates in place under no_grad."""

import random

import torch


def synthetic_data(w, b, num_examples):
    X = torch.normal(0, 1, (num_examples, len(w)))
    y = torch.matmul(X, w) + b
    y += torch.normal(0, 0.01, y.shape)
    return X, y.reshape(-1, 1)


def batches(size, features, labels):
    indices = list(range(len(features)))
    random.shuffle(indices)
    for i in range(0, len(features), size):
        chosen = torch.tensor(indices[i : min(i + size, len(features))])
        yield features[chosen], labels[chosen]


def squared_loss(y_hat, y):
    return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2


def sgd(params, lr, batch_size):
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad / batch_size
            param.grad.zero_()


w_true, b_true = torch.tensor([1.5, -2, 0.3]), 0.8
features, labels = synthetic_data(w_true, b_true, 70)
w = torch.zeros(size=(3, 1), requires_grad=True)
b = torch.zeros(1, requires_grad=True)
for epoch in range(3):
    for X, y in batches(4, features, labels):
        squared_loss(torch.matmul(X, w) + b, y).sum().backward()
        sgd([w, b], 0.05, 4)
    with torch.no_grad():
        train = squared_loss(torch.matmul(features, w) + b, labels)
        print(f"epoch {epoch + 1}, loss{float(train.mean()):f}")
print(f"error of w: {w_true - w.reshape(w_true.shape)}")
print(f"error of b: {b_true - b}")
print(features[:3], labels[:3], features.shape, len(features), sep="\n")
