"""Series of points with known truth: thirteen families, each with its own shapes, noise levels and faults, by a seed."""

import math
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from benchmarks.unusual.making import (
    LEARN,
    ZONES,
    ZONES_WITH_DST,
    Maker,
    Observed,
    Series,
    Usual,
    hours_of,
    poisson,
    weekdays,
)


def level(maker: Maker) -> Series:
    """A level; in half of the series it moves once for good, which the first point after it tells."""
    dice, zone = maker.dice, ZoneInfo(maker.dice.choice(ZONES))
    moments = maker.moments(dice.randint(150, 400), timedelta(days=1), zone)
    points = maker.with_faults(moments, zone, lambda days, local: maker.level)
    if dice.random() < 0.5:
        start = dice.randint(60, len(points) - 40)
        factor = 1 + max(10 * maker.noise, 0.4) * dice.uniform(1, 1.5)
        for index in range(start, len(points)):
            truth = True if index == start else None if index < start + 10 else points[index].truth
            value = maker.noisy(maker.level * factor) if index < start + 10 else points[index].value * factor
            points[index] = Observed(points[index].at, maker.rounded(value), truth)
    return Series("level", maker.noise, zone, points)


def trend(maker: Maker) -> Series:
    dice, zone = maker.dice, ZoneInfo(maker.dice.choice(ZONES))
    moments = maker.moments(dice.randint(150, 400), timedelta(days=1), zone)
    per_day = maker.level * dice.choice((-0.002, 0.002, 0.004, 0.008, 0.015))
    if per_day < 0:
        maker.level *= 1.2
    return Series("trend", maker.noise, zone, maker.with_faults(moments, zone, lambda days, local: maker.level + days * per_day))


def weekly_season(maker: Maker) -> Series:
    dice, zone = maker.dice, ZoneInfo(maker.dice.choice(ZONES))
    moments = maker.moments(dice.randint(150, 400), timedelta(days=1), zone)
    factors = weekdays(maker)
    return Series(
        "weekly season",
        maker.noise,
        zone,
        maker.with_faults(moments, zone, lambda days, local: maker.level * factors[local.weekday()]),
    )


def daily_season(maker: Maker) -> Series:
    dice, zone = maker.dice, ZoneInfo(maker.dice.choice(ZONES))
    moments = maker.moments(dice.randint(400, 800), timedelta(hours=1), zone)
    hours = hours_of(maker)
    weekend = dice.choice((1, 1, dice.uniform(0.3, 0.8)))
    return Series(
        "daily season",
        maker.noise,
        zone,
        maker.with_faults(
            moments,
            zone,
            lambda days, local: maker.level * hours[local.hour] * (weekend if local.weekday() > 4 else 1),
        ),
    )


def shifts_under_a_season(maker: Maker) -> Series:
    """Once, for good, everything changes by a factor or by an amount, up or down, under weekdays or under hours. The first point
    after it tells."""
    dice, zone = maker.dice, ZoneInfo(maker.dice.choice(ZONES))
    is_hourly, is_factor = dice.random() < 0.5, dice.random() < 0.5
    factors = hours_of(maker) if is_hourly else weekdays(maker)
    if not is_factor:
        factors = [2 + factor for factor in factors]  # room for less of everything
    size = max(10 * maker.noise, 0.4) * dice.uniform(1, 1.5)
    is_up = dice.random() < 0.5 or size > 0.6
    step = timedelta(hours=1) if is_hourly else timedelta(days=1)
    moments = maker.moments(dice.randint(450, 700) if is_hourly else dice.randint(150, 400), step, zone)
    start = dice.randint(350 if is_hourly else 60, len(moments) - 60)

    def usual(days: float, local: datetime) -> float:
        before = maker.level * factors[local.hour if is_hourly else local.weekday()]
        if days < (moments[start] - moments[0]) / timedelta(days=1):
            return before
        if is_factor:
            return before * (1 + size if is_up else 1 / (1 + 2 * size))
        return before + maker.level * max(factors) * (size if is_up else -0.5 * size)

    points = maker.with_faults(moments, zone, usual)
    for index in range(start, start + 10):
        at = moments[index]
        value = usual((at - moments[0]) / timedelta(days=1), at.astimezone(zone))
        points[index] = Observed(at, maker.noisy(value), True if index == start else None)
    return Series("shifts under a season", maker.noise, zone, points)


def growth(maker: Maker) -> Series:
    """A table that grows by a share per day, or to which rows are only added (a day's rows vary by the noise)."""
    dice, zone = maker.dice, ZoneInfo(maker.dice.choice(ZONES))
    moments = maker.moments(dice.randint(150, 400), timedelta(days=1), zone)
    if dice.random() < 0.5:
        rate = dice.choice((0.002, 0.005, 0.01, 0.02))
        return Series(
            "growth", maker.noise, zone, maker.with_faults(moments, zone, lambda days, local: maker.level * math.exp(rate * days))
        )
    total, points, daily = maker.level, [], maker.level * dice.choice((0.001, 0.005, 0.02))
    for index, at in enumerate(moments):
        is_fault = index >= LEARN and dice.random() < maker.fault_rate
        total += max(0.0, daily * (1 + dice.gauss(0, maker.noise * 2)))
        loss = dice.choice((-1, 1)) * dice.uniform(0.3, 0.6)
        points.append(Observed(at, float(round(total * (1 + loss) if is_fault else total)), is_fault))
    return Series("growth", maker.noise, zone, points)


def spikes(maker: Maker) -> Series:
    """Large ones, several times the level, that must not make the next faults look usual."""
    dice, zone = maker.dice, ZoneInfo(maker.dice.choice(ZONES))
    moments = maker.moments(dice.randint(150, 400), timedelta(days=1), zone)
    points = maker.with_faults(moments, zone, lambda days, local: maker.level)
    for index in range(LEARN, len(points)):
        if dice.random() < 0.03:
            value = maker.rounded(maker.level * (1 + maker.noise * 8) * dice.uniform(2, 30))
            points[index] = Observed(points[index].at, value, True)
    return Series("one-off spikes", maker.noise, zone, points)


def outages(maker: Maker) -> Series:
    """A few points in a row with nothing, or with a part; some with nothing before a week is over, some in a season."""
    dice, zone = maker.dice, ZoneInfo(maker.dice.choice(ZONES))
    moments = maker.moments(dice.randint(150, 400), timedelta(days=1), zone)
    factors = weekdays(maker) if dice.random() < 0.5 else [1.0] * 7
    points = maker.with_faults(moments, zone, lambda days, local: maker.level * factors[local.weekday()])
    for _ in range(dice.randint(2, 4)):
        start, length = dice.randint(LEARN + 10, len(points) - 10), dice.randint(1, 5)
        rest = dice.choice((0.0, 0.0, dice.uniform(0, 0.5) * math.exp(-8 * maker.noise)))
        for index in range(start, start + length):
            at = points[index].at
            value = maker.noisy(maker.level * factors[at.astimezone(zone).weekday()]) * rest
            points[index] = Observed(at, maker.rounded(value), True)
    return Series("outages", maker.noise, zone, points)


def holidays(maker: Maker) -> Series:
    """Days of the year that are as weak as, or weaker than, the weakest weekday: usual, because they are in the calendar."""
    dice, zone = maker.dice, ZoneInfo(maker.dice.choice(ZONES))
    moments = maker.moments(dice.randint(400, 750), timedelta(days=1), zone)
    factors = weekdays(maker)
    days = sorted({(dice.randint(1, 12), dice.randint(1, 28)) for _ in range(dice.randint(6, 12))})
    years = range(moments[0].year, moments[-1].year + 2)
    calendar = {date(year, month, day) for year in years for month, day in days}
    weak = min(factors) * dice.uniform(0.3, 1)
    maker.fault_rate = 0.015

    def usual(_: float, local: datetime) -> float:
        return maker.level * (weak if local.date() in calendar else factors[local.weekday()])

    points = maker.with_faults(moments, zone, usual)
    points = [
        Observed(p.at, maker.noisy(usual(0, p.at.astimezone(zone))), False) if p.at.astimezone(zone).date() in calendar else p
        for p in points
    ]
    return Series("holidays", maker.noise, zone, points, tuple(sorted(calendar)))


def dst(maker: Maker) -> Series:
    """Every hour, or a job at a local time of day, across a night when clocks change."""
    dice, zone = maker.dice, ZoneInfo(maker.dice.choice(ZONES_WITH_DST))
    month = dice.choice((3, 9, 10))
    hours = hours_of(maker)
    if dice.random() < 0.6:
        moments = maker.moments(dice.randint(600, 900), timedelta(hours=1), zone, month)
        usual: Usual = lambda days, local: maker.level * hours[local.hour]  # noqa: E731
    else:
        moments = maker.moments(dice.randint(200, 350), timedelta(days=1), zone, month)
        factors = weekdays(maker)
        usual = lambda days, local: maker.level * factors[local.weekday()]  # noqa: E731
    return Series("DST", maker.noise, zone, maker.with_faults(moments, zone, usual))


def gaps(maker: Maker) -> Series:
    """Points that are missing, alone and for weeks, at times that wander, sometimes two on a day."""
    dice, zone = maker.dice, ZoneInfo(maker.dice.choice(ZONES))
    moments = maker.moments(dice.randint(200, 450), timedelta(days=1), zone)
    factors = weekdays(maker) if dice.random() < 0.5 else [1.0] * 7
    moments = [at + timedelta(minutes=dice.uniform(0, 50)) for at in moments]
    usual: Usual = lambda days, local: maker.level * factors[local.weekday()]  # noqa: E731
    points = maker.with_faults(moments, zone, usual)
    share = dice.uniform(0.05, 0.3)
    start, length = dice.randint(60, len(points) - 40), dice.randint(10, 30)
    kept = [
        point
        for index, point in enumerate(points)
        if index < LEARN or (not start <= index < start + length and dice.random() >= share)
    ]
    return Series("gaps", maker.noise, zone, kept)


def zero_inflated(maker: Maker) -> Series:
    """Rare counts: mostly nothing, sometimes a few; a fault is far above all of them."""
    dice, zone = maker.dice, ZoneInfo(maker.dice.choice(ZONES))
    moments = maker.moments(dice.randint(150, 400), timedelta(days=1), zone)
    zeros, mean = dice.uniform(0.4, 0.85), 10 ** dice.uniform(0.3, 2)
    points = []
    for index, at in enumerate(moments):
        is_fault = index >= LEARN and dice.random() < maker.fault_rate
        lam = mean * math.exp(dice.gauss(0, maker.noise))
        some = 1 + poisson(dice, lam - 1) if lam > 1 else 1
        value = 0 if dice.random() < zeros else some
        if is_fault:
            value = round((mean * (1 + 4 * maker.noise) + 5 * math.sqrt(mean) + 5) * dice.uniform(3, 15))
        points.append(Observed(at, float(value), is_fault))
    return Series("zero-inflated counts", maker.noise, zone, points)


def constant(maker: Maker) -> Series:
    dice, zone = maker.dice, ZoneInfo(maker.dice.choice(ZONES))
    moments = maker.moments(dice.randint(100, 300), timedelta(days=1), zone)
    value = dice.choice((0.0, 1.0, 5.0, round(maker.level), maker.level))
    points = []
    for index, at in enumerate(moments):
        is_fault = index >= LEARN and dice.random() < maker.fault_rate
        step = dice.choice((-1, 1)) * dice.uniform(0.1, 3) * value or float(dice.randint(1, 50))
        points.append(Observed(at, value + step if is_fault else value, is_fault))
    return Series("constant series", maker.noise, zone, points)


FAMILIES: dict[str, Callable[[Maker], Series]] = {
    "level": level,
    "trend": trend,
    "weekly season": weekly_season,
    "daily season": daily_season,
    "shifts under a season": shifts_under_a_season,
    "growth": growth,
    "one-off spikes": spikes,
    "outages": outages,
    "holidays": holidays,
    "DST": dst,
    "gaps": gaps,
    "zero-inflated counts": zero_inflated,
    "constant series": constant,
}
NOISES = (0.01, 0.03, 0.08, 0.15)  # with which the algorithm was made
HELD_OUT = (0.02, 0.05, 0.1, 0.2)  # with which it is judged


def series(family: str, noise: float, seed: str) -> Series:
    return FAMILIES[family](Maker(f"{family} {noise} {seed}", noise))
