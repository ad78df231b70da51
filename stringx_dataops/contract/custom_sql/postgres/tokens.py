"""What a token of custom SQL means to PostgreSQL."""

from sqlglot.tokenizer_core import Token, TokenType


def name_of(token: Token) -> str:
    """The name that a token gives: a quoted identifier as it stands, anything else in lower case."""
    return token.text if token.token_type == TokenType.IDENTIFIER else token.text.lower()
