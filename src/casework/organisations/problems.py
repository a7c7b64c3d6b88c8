"""Refusals of the organisations slice: what the database's own rules say in words."""

from casework.work.troubles import by_constraint, numberless

by_constraint["organisation_phone_check"] = numberless
