"""Pages of what was shown, and of what came of it."""
