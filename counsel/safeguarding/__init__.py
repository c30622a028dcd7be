"""What the secrecy owes the client besides silence: answers about the own file; disclosures will stand here."""
