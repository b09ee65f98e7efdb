"""The error of a machine or an environment that is not set up as it has to be."""


class SetupError(Exception):
    """Something outside the code stops movierec; the message is one sentence that says what to do."""
