"""The Faust application: frames of inputs are judged, stored exactly once, and answered."""
