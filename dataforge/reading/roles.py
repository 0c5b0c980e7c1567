"""The names that datasets give to the speakers of a conversation."""

from __future__ import annotations

from dataforge.core.codes import Code
from dataforge.reading.drafts import RecordFaultError

# Not a role of a message: an assistant message whose content is a call.
CALL = "call"

ROLE_OF: dict[str, str] = {
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(
        ("assistant", "gpt", "chatgpt", "bing", "bard", "claude", "gemini", "model", "bot", "ai", "chatbot"),
        "assistant",
    ),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "observation", "function", "function_response", "tool_response"), "tool"),
    **dict.fromkeys(("function_call", "tool_call"), CALL),
}

UNKNOWN_ROLE = Code("unknown-role", "A message is by a speaker of no known role, or by nobody.")


def role_of(name: object, number: int) -> str:
    """Give the role a speaker has with us.

    Args:
        name: What the record calls the speaker.
        number: Which message it is, from 1.

    Returns:
        One of our roles, or `CALL`.

    Raises:
        RecordFaultError: No role goes by that name.
    """
    if isinstance(name, str):
        role = ROLE_OF.get(name) or ROLE_OF.get(name.strip().lower())
        if role is not None:
            return role
    said = f"'{name}'" if isinstance(name, str) else "no role" if name is None else f"{name!r}"
    raise RecordFaultError(UNKNOWN_ROLE.name, f"message {number}: {said[:80]}")
