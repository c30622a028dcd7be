"""What clients ask about their own file, and what the director answers (篇4 一)."""
