"""Partitions, jobs, the instance: when and for which days assets are made."""
