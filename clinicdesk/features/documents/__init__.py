"""Documents and pictures: checked, encrypted, kept in a folder or an object store, and found by their patient."""
