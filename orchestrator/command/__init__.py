"""What people may ask of an open home: each verb checks, acts and is audited in one unit."""
