"""Whether calls have become steady: pyperf's comparison of two windows, so that warming up can end."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WINDOW_CALLS = 20  # design 2.3; pyperf halves all it has, which never forgets a slow start

# Source: pyperf 2.9 _worker.py, test_calibrate_warmups.
_QUARTILE_TOLERANCE = 0.05
_SPREAD_TOLERANCE = 0.10
_TUKEY_FENCE = 1.5


def is_steady(time_ns: "NDArray[np.int64]") -> bool:
    """Return whether the last two windows of calls look alike: quartiles, spread, and no outlier to begin with.

    The spread is the median absolute deviation. pyperf wants the two within 10 % of each other; of windows of 20 calls
    that is true one time in five even when nothing changes, and 4 to 55 % of steady points would be called unsteady
    after 300 calls. So here they are within 10 % of the median. What changes by less than 5 % in a window passes.

    Source: pyperf 2.9 _worker.py, test_calibrate_warmups; design 2.3.
    """
    import numpy as np

    if len(time_ns) < 2 * WINDOW_CALLS:
        return False
    both = time_ns[-2 * WINDOW_CALLS :]
    earlier, later = both[:WINDOW_CALLS], both[WINDOW_CALLS:]
    low, high = np.quantile(both[1:], [0.25, 0.75])
    if both[0] > high + _TUKEY_FENCE * (high - low):
        return False
    before, (q1, median, q3) = np.quantile(earlier, [0.25, 0.5, 0.75]), np.quantile(later, [0.25, 0.5, 0.75])
    spreads = np.median(np.abs(earlier - before[1])), np.median(np.abs(later - median))
    return bool(
        abs(before[0] - q1) <= _QUARTILE_TOLERANCE * q1
        and abs(before[2] - q3) <= _QUARTILE_TOLERANCE * q3
        and abs(spreads[0] - spreads[1]) <= _SPREAD_TOLERANCE * median
    )
