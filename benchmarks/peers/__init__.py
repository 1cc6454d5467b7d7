"""Availability as the peers of the vectors have it: teams, seats, routing and rules that this house does not know."""
