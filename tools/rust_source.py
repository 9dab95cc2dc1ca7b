"""Rust source text without what only looks like code: comments, strings and character literals."""

import re

_NOT_CODE = re.compile(
    r"""
      //[^\n]*                          # a comment to the end of the line, doc comments too
    | /\*.*?\*/                         # a block comment; nested ones do not occur here
    | \bb?r(?P<hashes>\#*)".*?"(?P=hashes)
    | b?"(?:\\.|[^"\\])*"
    | b?'(?:\\[^']*|[^'\\\n])'          # a character, not a lifetime: those have no closing quote
    """,
    re.VERBOSE | re.DOTALL,
)


def code_only(text: str) -> str:
    """Returns the text with each comment, string and character replaced by as many newlines as it held."""
    return _NOT_CODE.sub(lambda match: '""' + "\n" * match.group().count("\n"), text)
