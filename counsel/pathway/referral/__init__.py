"""转介、移交与暂停 (篇7 六, 篇10 二): when a case goes to a doctor, to a colleague, or rests; and how it comes back."""
