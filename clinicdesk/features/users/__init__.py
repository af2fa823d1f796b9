"""Accounts and roles, sign-in and its locks, passwords."""
