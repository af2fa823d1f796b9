"""Desks and a server that lose touch, by the seed: the real service, and a reference desk without any input or output."""
