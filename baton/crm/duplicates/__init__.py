"""Records that look like one: found as they change, shown with reasons, settled by people."""

from .find import drain, note, rebuild
from .inbox import Suggestion, count, dismiss, of_record, page, take_back

__all__ = ["Suggestion", "count", "dismiss", "drain", "note", "of_record", "page", "rebuild", "take_back"]
