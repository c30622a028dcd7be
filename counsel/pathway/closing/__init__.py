"""咨询结束 (篇10 六): report, joint evaluation or its waiver, follow-up agreed; every way in which a case may end."""
