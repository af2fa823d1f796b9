"""The command bar: a phrase books, a name opens a record, a word goes to a screen or does an action."""
