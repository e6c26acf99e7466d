"""Delta tables whose Parquet files an engine writes and delta-rs commits.

Belongs here: files, commits, versions, the writer lock, what differs between engines. Does not belong here: what a
table's rows mean (transforms), and orchestration (assets, automation).
"""
