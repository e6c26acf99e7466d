"""One thread for what scikit-learn computes in OpenMP."""

from contextlib import AbstractContextManager
from typing import Any


def one_thread() -> AbstractContextManager[Any]:
    """Sums meet in one order; and on a busy machine threads that wait for one another take a hundred times as long."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, user_api="openmp")
