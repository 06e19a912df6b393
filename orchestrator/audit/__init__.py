"""What happened, in a form that a stranger can check: chains, signed heads, anchors, exports."""
