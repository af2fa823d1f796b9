"""The server's half of sync: desks that work by themselves send what they did, and fetch what others did."""
