"""Duty tasks: neutral and in clear, so that jobs can see they are overdue; what they are about is sealed (design §2)."""
