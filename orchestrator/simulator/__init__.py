"""Simulated models that need no key and no network: both wire protocols, plausible plans, and faults on request."""

from orchestrator.simulator.faults import FAULT_HEADER, Fault, fault_headers
from orchestrator.simulator.transport import SimulatedTransport

__all__ = ["FAULT_HEADER", "Fault", "SimulatedTransport", "fault_headers"]
