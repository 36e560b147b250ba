"""The report to send: one HTML file with its pictures inside, and the same figures as CSV and JSON."""
