"""确定咨询方案 (篇10 四): order, goals, method, times, and both sides' agreement."""
