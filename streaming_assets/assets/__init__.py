"""Thin Dagster assets and checks, one module per group.

Belongs here: which table an asset is, what it reads, which function makes it. Does not belong here: computing.
"""
