"""The demo clinic: a lively day whenever it is opened."""
