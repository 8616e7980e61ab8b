"""The read side: one module per report, plain values in, DataFrames out. It does not know `orchestrator`."""
