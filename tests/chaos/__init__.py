"""What comes of calls through a network that misbehaves."""
