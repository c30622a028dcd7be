"""Messages that leave the house: generic texts only, sent by a job, kept only until they are sent."""
