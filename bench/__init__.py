"""What we promise about speed, measured: each figure stands beside what the bare machine does in the same run."""
