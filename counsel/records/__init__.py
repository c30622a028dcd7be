"""The one place where sealed text is written and opened: gate, then audit, then open. Items, revisions, drafts."""
