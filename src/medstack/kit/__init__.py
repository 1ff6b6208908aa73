"""What every floor stands on: errors, ids, clock, streams, the bridge, the log.

Knows no patient, no table, no protocol.
"""
