"""Answers that are nothing but a refusal ("수신거부", "unsubscribe"): whoever writes that to us wants no more, whatever way out the mail named."""

import re

LONGEST = 80  # letters: who writes more may mean something else, and is read by a colleague

KOREAN = r"(?:수신\s*(?:거부|거절|차단)|구독\s*(?:취소|해지|중단))(?:\s*(?:를|을))?(?:\s*(?:요청|신청|부탁|희망|원))?"
POLITE = r"\s*(?:합니다|합니당|해요|할게요|하겠습니다|드립니다|바랍니다|드려요|(?:해|하여)\s*(?:주세요|주십시오|주시기\s*바랍니다)|주세요|요)?"
ENGLISH = (
    r"(?:please\s+)?(?:unsubscribe(?:\s+me)?|stop|opt[\s-]?out|remove\s+me)(?:\s+from\s+(?:this|your|the)(?:\s+mailing)?\s+list)?"
    r"(?:[\s,]*(?:please|thanks|thank you))?"
)
WHOLE = re.compile(rf"[\W_]*(?:{KOREAN}{POLITE}|{ENGLISH})[\W_]*", re.IGNORECASE)


def is_one(text: str) -> bool:
    """Whether somebody's own words, without what he quoted, are a refusal and nothing else."""
    words = " ".join(text.split())
    return len(words) <= LONGEST and WHOLE.fullmatch(words) is not None
