"""The AI steps whose worker is a function: one module each, light to import."""

from intermezzo.primitives.code_execute import CodeExecuteInput, CodeExecuteOutput, code_execute
from intermezzo.primitives.document_parse import DocumentParseInput, DocumentParseOutput, document_parse
from intermezzo.primitives.llm_generate import LlmGenerateInput, LlmGenerateOutput, llm_generate
from intermezzo.primitives.pii_detect import PiiDetectInput, PiiDetectOutput, pii_detect

__all__ = [
    "CodeExecuteInput",
    "CodeExecuteOutput",
    "DocumentParseInput",
    "DocumentParseOutput",
    "LlmGenerateInput",
    "LlmGenerateOutput",
    "PiiDetectInput",
    "PiiDetectOutput",
    "code_execute",
    "document_parse",
    "llm_generate",
    "pii_detect",
]
