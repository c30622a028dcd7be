"""Wording: a counsellor assesses and does not diagnose (精神卫生法 23; domain §2.1). Words inside quotation pass."""

import re

QUOTED = re.compile(r"“[^”]{0,2000}”|「[^」]{0,2000}」|\"[^\"]{0,2000}\"")
FORBIDDEN = re.compile(r"诊断|治疗|处方|疗程|\bdiagnos(?:is|es|ed|e|tic)\b|\bprescri(?:be|bed|ption)\b", re.IGNORECASE)


def forbidden_words(text: str) -> list[str]:
    """Return the words of diagnosis or treatment that stand outside quotation, in order, each once."""
    plain = QUOTED.sub(" ", text)
    return list(dict.fromkeys(match.group(0) for match in FORBIDDEN.finditer(plain)))
