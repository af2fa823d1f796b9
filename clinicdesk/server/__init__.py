"""The clinic's server: the same verbs as the desk's, behind HTTP."""
