"""tepal beside one peer: what is a difference, and what may be noise."""

import math
import statistics
from dataclasses import dataclass

from measure.goals import LEVEL

CHANCE = 0.05
"""How likely noise alone may make what is called a difference (a level of significance)."""


@dataclass(frozen=True)
class Comparison:
    """tepal's figure divided by a peer's, of each round that has both; more than 1: tepal is ahead."""

    ratios: tuple[float, ...]
    level: float = LEVEL
    """From this ratio on the two are called level."""

    @property
    def median(self) -> float:
        """The ratio that half of the rounds exceed."""
        return statistics.median(self.ratios)

    @property
    def telling(self) -> bool:
        """Whether there are rounds enough for the sign test to find any difference (five)."""
        return 0.5 ** len(self.ratios) <= CHANCE

    @property
    def behind(self) -> bool:
        """Whether the peer is ahead beyond noise.

        It is, if it is ahead in the median by more than what is called level, and in so many of the rounds that two
        equal loops would show that in fewer than one of twenty runs (the one-sided sign test). With fewer than five
        rounds the median alone decides.
        """
        if self.median >= self.level:
            return False
        rounds, lost = len(self.ratios), sum(ratio < 1 for ratio in self.ratios)
        by_chance = sum(math.comb(rounds, number) for number in range(lost, rounds + 1)) / 2**rounds
        return by_chance <= CHANCE or not self.telling

    def words(self) -> str:
        """The median, and the range where there is one."""
        lowest, highest = min(self.ratios), max(self.ratios)
        return f"{self.median:.2f}" + (f" ({lowest:.2f} to {highest:.2f})" if len(self.ratios) > 1 else "")
