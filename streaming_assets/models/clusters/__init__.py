"""Kinds of users: found by k-means where random halves of the users agree on them, and named so that the names last.

features says what users are told apart by; training finds the clusters and names them; assignment puts users into them.
Nothing here knows how often either happens.
"""
