"""What people are told: an inbox for each user, and messages that leave the house by e-mail and SMS."""
