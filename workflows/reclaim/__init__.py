"""Taking back seats that look idle: evidence, rules that pause themselves, campaigns. Nothing goes unconfirmed."""
