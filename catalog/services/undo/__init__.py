"""What a file made, and how it is taken back: what something else has changed or used since is left alone."""
