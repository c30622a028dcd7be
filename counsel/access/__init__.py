"""Accounts that sign in, the sealed sign-in row, throttling, and the gate through which every guarded lookup passes."""
