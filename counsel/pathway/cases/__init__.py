"""Cases: one course of counselling, its states and moves, its box and cover. A move needs the evidence its row names."""
