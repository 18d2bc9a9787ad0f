"""Stand-ins for the outside world: Slack, Microsoft Graph and ServiceNow on loopback, with real state.

They are written from the vendors' documentation and share no code with the rest of the project, so that a wrong
assumption cannot agree with itself. The demo, the tests and the benchmarks all run against them.
"""
