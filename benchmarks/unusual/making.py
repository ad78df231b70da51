"""What the series are made of: the dice, the noise, the faults, and the shapes of seasons."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

LEARN = 20  # faults come after so many points

ZONES = ("Europe/Berlin", "America/New_York", "UTC", "Asia/Kolkata", "Australia/Sydney")
ZONES_WITH_DST = ("Europe/Berlin", "America/New_York", "Australia/Sydney", "America/Sao_Paulo", "Europe/London")


@dataclass(frozen=True)
class Observed:
    """`truth`: whether the value is a fault. None: nobody is judged by it (the points right after the level moved for good)."""

    at: datetime
    value: float
    truth: bool | None


@dataclass(frozen=True)
class Series:
    family: str
    noise: float
    zone: ZoneInfo
    points: list[Observed]
    holidays: tuple[date, ...] = ()
    judged_from: int = LEARN  # before that point, faults are known and nothing is judged


Usual = Callable[[float, datetime], float]  # of days since the start and the local time: what the value would be without noise


class Maker:
    """The dice and the shape of one series."""

    def __init__(self, seed: str, noise: float) -> None:
        self.dice = random.Random(seed)
        self.noise = noise
        self.level = 10 ** self.dice.uniform(1.7, 6)
        self.is_integer = self.dice.random() < 0.7
        self.kind = self.dice.choice(("normal", "lognormal", "heavy", "counts"))
        self.fault_rate = self.dice.choice((0.01, 0.02, 0.03))

    def moments(self, count: int, step: timedelta, zone: ZoneInfo, month: int | None = None) -> list[datetime]:
        """Daily ones keep their local time of day when clocks change, hourly ones come every hour."""
        dice = self.dice
        day = datetime(dice.randint(2022, 2025), month or dice.randint(1, 12), dice.randint(1, 28), tzinfo=zone)
        if step >= timedelta(days=1):
            first = day + timedelta(hours=dice.randint(0, 23), minutes=dice.randint(0, 59))
            return [(first + index * step).astimezone(UTC) for index in range(count)]
        first = day.astimezone(UTC) + timedelta(minutes=dice.randint(0, 59))
        return [first + index * step for index in range(count)]

    def noisy(self, usual: float) -> float:
        """Normal, lognormal, with heavy tails (Student's t with 6 degrees of freedom), or counts of events whose rate varies."""
        dice = self.dice
        match self.kind:
            case "lognormal":
                value = usual * math.exp(dice.gauss(0, self.noise))
            case "heavy":
                chi = dice.gammavariate(3, 2) / 6
                value = usual * (1 + self.noise * dice.gauss(0, 1) / math.sqrt(chi) / 1.22)
            case "counts":
                value = float(poisson(dice, usual * math.exp(dice.gauss(0, self.noise))))
            case _:
                value = usual * (1 + dice.gauss(0, self.noise))
        return self.rounded(max(value, 0.0))

    def rounded(self, value: float) -> float:
        return float(round(value)) if self.is_integer else value

    def fault(self, usual: float) -> float:
        """At least 8 times the noise and 30% away, up or down; what a table holds is never negative."""
        dice = self.dice
        noise = math.hypot(self.noise, 1 / math.sqrt(max(usual, 1))) if self.kind == "counts" else self.noise
        size = max(dice.uniform(8, 16) * noise, dice.uniform(0.3, 0.6))
        is_up = dice.random() < 0.5 or size >= 0.95
        if self.kind == "lognormal":
            return self.rounded(usual * math.exp(size if is_up else -size))
        return self.rounded(usual * (1 + size if is_up else 1 - size))

    def with_faults(self, moments: list[datetime], zone: ZoneInfo, usual: Usual) -> list[Observed]:
        points = []
        for index, at in enumerate(moments):
            value = usual((at - moments[0]) / timedelta(days=1), at.astimezone(zone))
            is_fault = index >= LEARN and self.dice.random() < self.fault_rate
            points.append(Observed(at, self.fault(value) if is_fault else self.noisy(value), is_fault))
        return points


def weekdays(maker: Maker) -> list[float]:
    dice = maker.dice
    if dice.random() < 0.6:
        weekend = dice.uniform(0.1, 0.7)
        return [dice.uniform(0.9, 1.1) for _ in range(5)] + [weekend * dice.uniform(0.8, 1.2) for _ in range(2)]
    return [dice.uniform(0.4, 1.6) for _ in range(7)]


def hours_of(maker: Maker) -> list[float]:
    dice = maker.dice
    peak, depth, sharpness = dice.uniform(0, 24), dice.uniform(0.3, 0.85), dice.uniform(0.7, 2)
    return [1 - depth * ((1 - math.cos((hour - peak) * math.pi / 12)) / 2) ** sharpness for hour in range(24)]


def poisson(dice: random.Random, mean: float) -> int:
    if mean > 60:
        return max(0, round(dice.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, dice.random()
    while product > limit:
        count += 1
        product *= dice.random()
    return count
