"""How busy an hour is: quiet nights and weekends, working days, and attack campaigns."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.instants import DAY, HOUR, MINUTE
from simulator.scenario.draws import Draws

PASSWORD_SPRAY = "Password Spray"  # noqa: S105 - an attack kind, not a password
UNKNOWN_USERS = "Login failures with high unknown users count"
LOGIN_FAILURES = "Login Failures"

_PLANS = (
    (PASSWORD_SPRAY, LOGIN_FAILURES),
    (PASSWORD_SPRAY,),
    (UNKNOWN_USERS, LOGIN_FAILURES),
    (PASSWORD_SPRAY, UNKNOWN_USERS, LOGIN_FAILURES),
)


@dataclass(frozen=True, slots=True)
class Campaign:
    """One attack: from a handful of addresses, with its own phrases and pace."""

    start: int
    end: int
    addresses: tuple[str, ...]
    phrases: tuple[str, ...]
    per_hour: int
    result: str

    def share_of(self, hour: int) -> tuple[int, int] | None:
        """Returns the part of that hour (microseconds since 1970) in which the campaign runs, if any."""
        start, end = max(self.start, hour * HOUR), min(self.end, (hour + 1) * HOUR)
        return (start, end) if start < end else None


def daytime_factor(hour: int) -> float:
    """Returns how busy an hour since 1970 is, from 0.2 (night) to 1.0 (working hours)."""
    of_day, weekday = hour % 24, (hour // 24 + 3) % 7
    factor = 1.0 if 7 <= of_day < 19 else 0.5 if of_day in (6, 19, 20) else 0.2
    return factor * 0.6 if weekday >= 5 and factor > 0.2 else factor


def ipv4_address(draws: Draws) -> str:
    """Returns an address of the two documentation networks (RFC 5737)."""
    return f"{draws.pick(('198.51.100', '203.0.113'))}.{draws.between(1, 254)}"


def ipv6_address(draws: Draws) -> str:
    """Returns an address of the documentation prefix (RFC 3849)."""
    return f"2001:db8:{draws.hexadecimal(4).lstrip('0') or '1'}::{draws.between(1, 9999):x}"


def campaigns_of(seed: int, day: int) -> tuple[Campaign, ...]:
    """Returns the campaigns that start on a day since 1970."""
    draws = Draws(seed, "campaigns", day)
    return tuple(_campaign(draws, day) for _ in range(draws.between(2, 4)))


def _campaign(draws: Draws, day: int) -> Campaign:
    start = day * DAY + draws.between(0, 24 * 60 - 1) * MINUTE
    v4 = {ipv4_address(draws) for _ in range(draws.between(3, 7))}
    v6 = {ipv6_address(draws) for _ in range(draws.between(0, 2))}
    return Campaign(
        start=start,
        end=start + draws.between(20, 130) * MINUTE,
        addresses=(*sorted(v4), *sorted(v6)),
        phrases=draws.pick(_PLANS),
        per_hour=draws.between(70, 200),
        result=draws.weighted((("DENY", 8), ("ALLOW", 1), ("RATE_LIMIT", 1))),
    )


def campaign_minutes(seed: int, hour: int) -> list[tuple[Campaign, int, int]]:
    """Returns each campaign of an hour with the part of the hour in which it runs."""
    day = hour // 24
    found = []
    for campaign in (*campaigns_of(seed, day - 1), *campaigns_of(seed, day)):
        share = campaign.share_of(hour)
        if share is not None:
            found.append((campaign, *share))
    return found
