"""The demo: real films, written down as facts, and simulated viewers. For an empty system, and labelled as such."""
