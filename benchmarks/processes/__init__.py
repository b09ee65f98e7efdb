"""Processes of their own for a part of a benchmark, whose memory counts alone."""
