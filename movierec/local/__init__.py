"""The launcher behind `./run`: one machine's servers, data and processes, kept running until a signal comes.

At module level it needs the standard library alone, as `./run` checks its arguments before any package is installed.
"""
