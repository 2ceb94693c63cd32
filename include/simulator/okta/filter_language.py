"""The SCIM filter language of the System Log: text in, predicate out, everything else refused."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import orjson

from simulator.okta.filter_terms import OPERATORS, Literal, Test, check_attribute, comparison, present
from simulator.okta.refusals import invalid_search

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<mark>[()])|(?P<number>-?\d+(?:\.\d+)?)(?![\w.])|(?P<word>[A-Za-z][\w.$-]*))"""
)


@lru_cache(maxsize=256)
def compile_filter(text: str) -> Test:
    """Returns the predicate of a filter expression; refuses with 400 what the System Log does not take."""
    parser = _Parser(_tokens(text))
    test = parser.either()
    if not parser.is_done():
        raise invalid_search(f"unexpected {parser.peek()}")
    return test


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise invalid_search(f"unexpected character at {position}")
        kind = match.lastgroup or ""
        tokens.append((kind, match[kind]))
        position = match.end()
    return tokens


def _any_of(left: Test, right: Test) -> Test:
    return lambda event: left(event) or right(event)


def _all_of(left: Test, right: Test) -> Test:
    return lambda event: left(event) and right(event)


class _Parser:
    """Recursive descent: `or` binds weaker than `and`, `not` strongest; operators in any letter case."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    def is_done(self) -> bool:
        return self._at == len(self._tokens)

    def peek(self) -> str:
        return "end of filter" if self.is_done() else self._tokens[self._at][1]

    def either(self) -> Test:
        test = self._both()
        while self._skip("word", "or"):
            test = _any_of(test, self._both())
        return test

    def _both(self) -> Test:
        test = self._unary()
        while self._skip("word", "and"):
            test = _all_of(test, self._unary())
        return test

    def _unary(self) -> Test:
        if self._skip("word", "not"):
            inner = self._unary()
            return lambda event: not inner(event)
        if self._skip("mark", "("):
            test = self.either()
            if not self._skip("mark", ")"):
                raise invalid_search("missing closing parenthesis")
            return test
        return self._term()

    def _term(self) -> Test:
        path = self._take("word", "an attribute")
        operator = self._take("word", "an operator").lower()
        if operator not in OPERATORS:
            raise invalid_search(f"unknown operator {operator}")
        check_attribute(path, operator)
        return present(path) if operator == "pr" else comparison(path, operator, self._literal())

    def _literal(self) -> Literal:
        if self.is_done():
            raise invalid_search("missing value")
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind == "mark" or (kind == "word" and text not in ("true", "false", "null")):
            raise invalid_search(f"a value must be quoted: {text}")
        try:
            value: Literal = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise invalid_search(f"unreadable value {text}") from None
        return value

    def _take(self, kind: str, wanted: str) -> str:
        if self.is_done() or self._tokens[self._at][0] != kind:
            raise invalid_search(f"expected {wanted} instead of {self.peek()}")
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _skip(self, kind: str, text: str) -> bool:
        if self.is_done() or self._tokens[self._at][0] != kind or self._tokens[self._at][1].lower() != text:
            return False
        self._at += 1
        return True
