"""心理评估 (篇10 三), in the short form that opens a plan: problem, severity, basis, causes. Never called a diagnosis."""
