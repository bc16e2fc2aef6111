"""parity: checks an autograd engine against torch, with a third judge between them."""
