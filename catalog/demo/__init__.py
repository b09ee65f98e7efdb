"""The demo: real movies, written down as facts, and simulated viewers. For an empty system, and labelled as such."""
