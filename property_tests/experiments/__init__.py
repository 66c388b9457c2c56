"""The experiments: training, measuring, verdicts, and the files that they leave."""
