"""The plan of a migration: phases and steps with commands, checks, predictions, budgets, and the way back."""
