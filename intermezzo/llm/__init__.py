"""Language models behind one question, `intermezzo.llm.generate.generate`: who answers, how patiently, how it is read.

Called by the primitives that need a model. Importing it loads pydantic-settings, so primitives do that when they
work; the providers' SDKs are loaded when the first question is asked.
"""

from intermezzo.llm.answer_schema import flaw_of_schema, typed_reader
from intermezzo.llm.choice import Choice, choose, is_configured
from intermezzo.llm.fence import Fenced, fence
from intermezzo.llm.generate import Generated, Unreadable, generate
from intermezzo.llm.reading import reader
from intermezzo.llm.request import Answer, LanguageModel, Request, Schema, Turn
from intermezzo.llm.settings import LlmSettings, ProviderName, llm_settings

__all__ = [
    "Answer",
    "Choice",
    "Fenced",
    "Generated",
    "LanguageModel",
    "LlmSettings",
    "ProviderName",
    "Request",
    "Schema",
    "Turn",
    "Unreadable",
    "choose",
    "fence",
    "flaw_of_schema",
    "generate",
    "is_configured",
    "llm_settings",
    "reader",
    "typed_reader",
]
