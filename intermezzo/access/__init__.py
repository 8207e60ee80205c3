"""Who may ask for what: organisations' API keys, people who log in, and what each of them may do."""

from intermezzo.access.access import Access
from intermezzo.access.keys import ApiKey, Dialect, NewKey
from intermezzo.access.principals import SCOPES, Principal, Role, Scope, scopes_of
from intermezzo.access.users import User

__all__ = ["SCOPES", "Access", "ApiKey", "Dialect", "NewKey", "Principal", "Role", "Scope", "User", "scopes_of"]
