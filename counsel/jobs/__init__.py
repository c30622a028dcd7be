"""What runs by itself. Jobs hold no keys and never need a name."""
