"""Schema migrations, run by `counsel db upgrade` on both databases."""
