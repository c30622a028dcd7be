"""Material of six kinds in a case: records, tests, letters, sound, pictures, other; scans of signed paper (篇4 二, 四)."""
