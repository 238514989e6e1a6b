"""The home of ``Limits`` is ``netwright.core.limits``; this name stays until nothing imports it."""

from netwright.core.limits import STANDARD, UNLIMITED, Limits, check_drain

__all__ = ["STANDARD", "UNLIMITED", "Limits", "check_drain"]
