//! Where an expression stops being one, since the parser does not say.

use super::token::{Token, TokenKind};

const MARKS: [&str; 12] = ["+", "-", "*", "/", "%", "^", "==", "!=", "<", ">", "<=", ">="];
const WORDS: [&str; 4] = ["and", "or", "unless", "atan2"];

/// Returns the first word that cannot stand where it does, by its index; the number of words, when it is the end.
/// Nothing, when all can.
pub(super) fn first_fault(tokens: &[Token<'_>]) -> Option<usize> {
    Walk { tokens, at: 0, open: 0 }.walk()
}

/// A walk along the words, in which an operand and an operator take turns.
struct Walk<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    /// How many parentheses are open.
    open: usize,
}

impl Walk<'_> {
    fn walk(mut self) -> Option<usize> {
        let mut wants_operand = true;
        while self.at < self.tokens.len() {
            let next = if wants_operand { self.operand() } else { self.operator() };
            match next {
                Some(wants) => wants_operand = wants,
                None => return Some(self.at),
            }
        }
        (wants_operand || self.open > 0).then_some(self.at)
    }

    fn is(&self, text: &str) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.is(text))
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.is(text);
        self.at += usize::from(found);
        found
    }

    fn kind(&self) -> Option<TokenKind> {
        self.tokens.get(self.at).map(|token| token.kind)
    }

    /// Takes an operand or what may stand before one; returns whether an operand is still wanted.
    fn operand(&mut self) -> Option<bool> {
        if self.take("+") || self.take("-") {
            return Some(true);
        }
        if self.take("(") {
            self.open += 1;
            return Some(true);
        }
        if self.is(")") && self.open > 0 && self.at > 1 {
            // The end of a call without arguments.
            let called = self.tokens[self.at - 1].is("(") && self.tokens[self.at - 2].kind == TokenKind::Name;
            self.open -= usize::from(called);
            self.at += usize::from(called);
            return called.then_some(false);
        }
        if self.is("{") {
            return self.braces().then_some(false);
        }
        match self.kind()? {
            TokenKind::Number | TokenKind::Text => {
                self.at += 1;
                Some(false)
            }
            TokenKind::Mark => None,
            TokenKind::Name => {
                self.at += 1;
                if (self.take("by") || self.take("without")) && !self.list() {
                    return None;
                }
                if self.take("(") {
                    self.open += 1;
                    return Some(true);
                }
                if self.is("{") && !self.braces() {
                    return None;
                }
                Some(false)
            }
        }
    }

    /// Takes what may follow an operand; returns whether an operand is wanted after it.
    fn operator(&mut self) -> Option<bool> {
        if self.is(")") && self.open > 0 {
            self.open -= 1;
            self.at += 1;
            return Some(false);
        }
        if self.is(",") && self.open > 0 {
            self.at += 1;
            return Some(true);
        }
        if self.take("[") {
            while self.kind() == Some(TokenKind::Number) || self.is(":") {
                self.at += 1;
            }
            return self.take("]").then_some(false);
        }
        if self.take("offset") || self.take("@") {
            let _ = self.take("-") || self.take("+");
            if self.take("start") || self.take("end") {
                return (self.take("(") && self.take(")")).then_some(false);
            }
            let is_number = self.kind() == Some(TokenKind::Number);
            self.at += usize::from(is_number);
            return is_number.then_some(false);
        }
        if self.is("by") || self.is("without") {
            let after_call = self.at > 0 && self.tokens[self.at - 1].is(")");
            self.at += usize::from(after_call);
            return (after_call && self.list()).then_some(false);
        }
        let is_operator = MARKS.iter().chain(&WORDS).any(|operator| self.is(operator));
        if !is_operator {
            return None;
        }
        self.at += 1;
        self.take("bool");
        if self.take("on") || self.take("ignoring") {
            if !self.list() {
                return None;
            }
            if (self.take("group_left") || self.take("group_right")) && self.is("(") && !self.list() {
                return None;
            }
        }
        Some(true)
    }

    /// Takes a list of labels in parentheses.
    fn list(&mut self) -> bool {
        if !self.take("(") {
            return false;
        }
        while matches!(self.kind(), Some(TokenKind::Name | TokenKind::Text)) {
            self.at += 1;
            if !self.take(",") {
                break;
            }
        }
        self.take(")")
    }

    /// Takes matchers in braces.
    fn braces(&mut self) -> bool {
        self.take("{");
        while !self.is("}") {
            let is_name = matches!(self.kind(), Some(TokenKind::Name | TokenKind::Text));
            self.at += usize::from(is_name);
            if !is_name {
                return false;
            }
            if ["=", "!=", "=~", "!~"].iter().any(|operator| self.take(operator)) {
                let is_text = self.kind() == Some(TokenKind::Text);
                self.at += usize::from(is_text);
                if !is_text {
                    return false;
                }
            }
            if !self.take(",") {
                break;
            }
        }
        self.take("}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::token::tokens;
    use super::*;

    /// The word at which an expression is wrong; none at its end.
    fn fault(expression: &str) -> Option<&str> {
        let tokens = tokens(expression);
        first_fault(&tokens).map(|at| tokens.get(at).map_or("", |token| token.text))
    }

    #[test]
    fn the_first_word_that_cannot_stand_there_is_found() {
        assert_eq!(fault("sum(rate(a[5m])) by (b) 7"), Some("7"));
        assert_eq!(fault("a + * b"), Some("*"));
        assert_eq!(fault("a{b~'c'}"), Some("~"));
        assert_eq!(fault("sum(a))"), Some(")"));
        assert_eq!(fault("a[5m"), Some(""));
        assert_eq!(fault("sum(a"), Some(""));
        assert_eq!(fault("time() + a{b='c'} offset 5m @ end() or on (x, y) group_left b"), None);
    }
}
