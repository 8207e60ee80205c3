"""The one contract of every step, and the registry of step types.

Authors call steps in a flow; `intermezzo.flows` journals and charges those calls.
"""

from intermezzo.steps.contract import Step, StepInput, StepOptions, StepOutput, explain
from intermezzo.steps.cost import Cost
from intermezzo.steps.function_step import FunctionStep, step
from intermezzo.steps.option_reader import options_from
from intermezzo.steps.primitive_step import Primitive, PrimitiveOptions, primitive
from intermezzo.steps.registry import BUILT_IN, family_of, register, registered, registered_types
from intermezzo.steps.step_call import StepCall, begin_work, call_id, current_call, end_work

__all__ = [
    "BUILT_IN",
    "Cost",
    "FunctionStep",
    "Primitive",
    "PrimitiveOptions",
    "Step",
    "StepCall",
    "StepInput",
    "StepOptions",
    "StepOutput",
    "begin_work",
    "call_id",
    "current_call",
    "end_work",
    "explain",
    "family_of",
    "options_from",
    "primitive",
    "register",
    "registered",
    "registered_types",
    "step",
]
