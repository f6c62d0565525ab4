"""The CNB lifecycle: its programs, phases, output and archives."""
