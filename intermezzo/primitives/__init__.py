"""The AI steps whose worker is a function: one module each, light to import."""

from intermezzo.primitives.code_execute import CodeExecuteInput, CodeExecuteOutput, code_execute
from intermezzo.primitives.data_transform import DataTransformInput, DataTransformOutput, data_transform
from intermezzo.primitives.document_parse import DocumentParseInput, DocumentParseOutput, document_parse
from intermezzo.primitives.llm_generate import LlmGenerateInput, LlmGenerateOutput, llm_generate
from intermezzo.primitives.pii_detect import PiiDetectInput, PiiDetectOutput, pii_detect
from intermezzo.primitives.web_research import WebResearchInput, WebResearchOutput, web_research

__all__ = [
    "CodeExecuteInput",
    "CodeExecuteOutput",
    "DataTransformInput",
    "DataTransformOutput",
    "DocumentParseInput",
    "DocumentParseOutput",
    "LlmGenerateInput",
    "LlmGenerateOutput",
    "PiiDetectInput",
    "PiiDetectOutput",
    "WebResearchInput",
    "WebResearchOutput",
    "code_execute",
    "data_transform",
    "document_parse",
    "llm_generate",
    "pii_detect",
    "web_research",
]
