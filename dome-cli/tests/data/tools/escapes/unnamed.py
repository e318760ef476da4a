"""A module that no manifest names."""


def nothing():
    pass
