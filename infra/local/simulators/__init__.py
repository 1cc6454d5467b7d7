"""Fakes of the vendors: real HTTP servers that speak the documented APIs, with faults on request."""
