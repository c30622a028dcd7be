"""What every room stands on: settings, the database, the clock, ids and errors. Nothing here knows counselling."""
