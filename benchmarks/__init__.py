"""Figures beside their limits or a peer, measured in the same run; never part of the tests."""
