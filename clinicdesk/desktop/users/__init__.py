"""Who sits at the desk: sign-in, the lock, and the change of person."""
