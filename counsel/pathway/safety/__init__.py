"""In danger: the crisis record F07, the safety plan the client keeps, the card that duty holds."""
