"""Every shape that crosses this door, one file a subject, all on the one `Wire` base."""

from medstack.web.wire.base import Ask, Page, ProblemOut, Wire, given

__all__ = ["Ask", "Page", "ProblemOut", "Wire", "given"]
