"""Human steps: their types, the tasks they post, the claims and answers of workers, and consensus."""

from intermezzo.human_steps.attachment_rows import Attachment
from intermezzo.human_steps.attachments import Attachments
from intermezzo.human_steps.human_step import Answer, HumanStep, Submission, human_step
from intermezzo.human_steps.inbox import Inbox, InboxItem

__all__ = ["Answer", "Attachment", "Attachments", "HumanStep", "Inbox", "InboxItem", "Submission", "human_step"]
