"""When the stopping rule may look at its interval: looking after every visit would find a narrow one by luck."""

# The number of visits at each look; each look sees half as much again as the one before.
LOOKS = (8, 12, 18, 27, 40, 60, 90)

_ALPHA = 0.05
# Bonferroni: all looks together are wrong as often as one look at _ALPHA. Source: design 2.4.
CORRECTED_ALPHA = _ALPHA / len(LOOKS)


def is_look(visits: int) -> bool:
    """Return whether the interval may be looked at after that many visits."""
    return visits in LOOKS
