"""What a token of custom SQL, or a name in its syntax tree, means to PostgreSQL."""

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType


def name_of(token: Token) -> str:
    """The name that a token gives: a quoted identifier as it stands, anything else in lower case."""
    return token.text if token.token_type == TokenType.IDENTIFIER else token.text.lower()


def word_of(token: Token) -> str:
    """A token in lower case; empty if it is a text or a quoted identifier, which is no word of the grammar."""
    return "" if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER) else token.text.lower()


def is_name(token: Token) -> bool:
    """Whether it is a quoted identifier, or any word."""
    return token.token_type == TokenType.IDENTIFIER or (token.token_type != TokenType.STRING and is_word(token.text))


def is_word(text: str) -> bool:
    """Whether PostgreSQL would take it for a name: letters, an underscore, and anything beyond ASCII begin one."""
    return text[:1].isalpha() or text[:1] == "_" or not text.isascii()


def name_of_identifier(name: exp.Identifier | exp.ColumnDef) -> str:
    """The name that an identifier, or the definition of a column, gives: without quotes in lower case."""
    identifier = name.this if isinstance(name, exp.ColumnDef) else name
    text = str(identifier.this)
    return text if identifier.args.get("quoted") else text.lower()
