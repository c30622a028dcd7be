"""Reports that wait for nobody: to the police that a minor is harmed, to leadership that something grave happened."""
