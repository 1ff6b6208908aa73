"""Notices: what happened to a record, for those who may know it, as it happens.

Carries ids and codes only. Whoever reads a notice fetches the record through the usual
permissions.
"""

from medstack.notices.model import Notice, NoticeKind
from medstack.notices.store import forget_before, newest, post, since

__all__ = ["Notice", "NoticeKind", "forget_before", "newest", "post", "since"]
