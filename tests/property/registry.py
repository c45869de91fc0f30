"""The properties: functions of (engines, example...) that raise AssertionError, and what their examples are made of."""
from hypothesis import strategies as st

PROPERTIES = []
MOOT = object() # what a property returns that had nothing to say about its example


def holds(**strategies):
    """Registers a property and what it holds for."""
    def register(function):
        PROPERTIES.append((function.__name__.replace("_", "-"), function, st.fixed_dictionaries(strategies)))
        return function
    return register
