"""The server's endpoints, a file for each group of them."""
