"""The read side: one module per report, plain values in, dataclasses and DataFrames out.

It never imports `orchestrator`.
"""
