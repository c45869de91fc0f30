"""The one error of the bed."""


class BedError(Exception):
    """Something a person has to act on: the text names it, shows the evidence and says what to do."""
