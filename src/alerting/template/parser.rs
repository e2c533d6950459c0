//! Reading a template: text, actions, and what the actions enclose.

use super::TemplateError;
use super::function::Function;
use super::lexer::{Placed, Token, error, tokens};
use super::node::{Command, Node, Operand, Pipeline};

/// How deep actions and parentheses may lie within each other.
const MOST_DEPTH: usize = 32;

pub(super) fn parse(text: &str) -> Result<Vec<Node>, TemplateError> {
    let mut parser = Parser { pieces: pieces(text)?, next: 0, variables: Vec::new(), depth: 0 };
    for known in ["", "labels", "externalLabels", "externalURL", "value"] {
        parser.variables.push(known.to_owned());
    }
    let (nodes, end) = parser.list()?;
    match end {
        None => Ok(nodes),
        Some(end) => Err(error(end.at, format!("`{}` ends nothing that has begun", end.word))),
    }
}

enum Piece {
    Text(String),
    Action(Vec<Placed>, usize),
}

/// Splits a template into text and actions.
fn pieces(text: &str) -> Result<Vec<Piece>, TemplateError> {
    let (mut found, mut from, mut trim) = (Vec::new(), 0, false);
    loop {
        let open = text[from..].find("{{").map(|open| from + open);
        let mut plain = &text[from..open.unwrap_or(text.len())];
        if trim {
            plain = plain.trim_start();
        }
        let Some(open) = open else {
            found.push(Piece::Text(plain.to_owned()));
            return Ok(found);
        };
        let mut inside = open + 2;
        if text[inside..].starts_with('-') && text[inside + 1..].starts_with(char::is_whitespace) {
            plain = plain.trim_end();
            inside += 1;
        }
        found.push(Piece::Text(plain.to_owned()));
        let close = close(text, inside).ok_or_else(|| error(open, "an action that does not end"))?;
        let mut action = &text[inside..close];
        trim = action.ends_with('-') && action[..action.len() - 1].ends_with(char::is_whitespace);
        if trim {
            action = &action[..action.len() - 1];
        }
        let comment = action.trim();
        if comment.starts_with("/*") {
            if !comment.ends_with("*/") {
                return Err(error(open, "a comment that does not end"));
            }
        } else {
            found.push(Piece::Action(tokens(action, inside)?, open));
        }
        from = close + 2;
    }
}

/// Finds the braces that close an action; those within a text or a comment do not.
fn close(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let lead = text[from..].len() - text[from..].trim_start().len();
    if text[from + lead..].starts_with("/*") {
        let end = from + text[from..].find("*/")?;
        return text[end..].find("}}").map(|close| end + close);
    }
    let (mut at, mut quote) = (from, None);
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(b'"'), b'\\') => at += 1,
            (Some(open), byte) if byte == open => quote = None,
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            (None, byte @ (b'"' | b'`')) => quote = Some(byte),
            _ => {}
        }
        at += 1;
    }
    None
}

/// What ends a list of nodes: `end`, or `else` with what follows it.
struct End {
    word: &'static str,
    at: usize,
    rest: Vec<Placed>,
}

struct Parser {
    pieces: Vec<Piece>,
    next: usize,
    /// The variables that are known here.
    variables: Vec<String>,
    depth: usize,
}

impl Parser {
    fn list(&mut self) -> Result<(Vec<Node>, Option<End>), TemplateError> {
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.get_mut(self.next) {
            self.next += 1;
            let (tokens, at) = match piece {
                Piece::Text(text) => {
                    if !text.is_empty() {
                        nodes.push(Node::Text(std::mem::take(text)));
                    }
                    continue;
                }
                Piece::Action(tokens, at) => (std::mem::take(tokens), *at),
            };
            match word(&tokens) {
                Some("end") if tokens.len() == 1 => {
                    return Ok((nodes, Some(End { word: "end", at, rest: Vec::new() })));
                }
                Some("else") => return Ok((nodes, Some(End { word: "else", at, rest: tokens[1..].to_vec() }))),
                Some(keyword @ ("if" | "with" | "range")) => {
                    let keyword = keyword.to_owned();
                    nodes.push(self.branch(&keyword, tokens[1..].to_vec(), at)?);
                }
                _ => nodes.push(self.action(tokens, at)?),
            }
        }
        Ok((nodes, None))
    }

    /// Reads what `if`, `with` or `range` begins, to its end.
    fn branch(&mut self, keyword: &str, tokens: Vec<Placed>, at: usize) -> Result<Node, TemplateError> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(error(at, "actions lie too deep within each other"));
        }
        let known = self.variables.len();
        let (names, tokens) = self.declared(tokens)?;
        let pipeline = self.pipeline(tokens, at)?;
        if names.len() > 1 && keyword != "range" {
            return Err(error(at, "only `range` has two variables"));
        }
        self.variables.extend(names.iter().cloned());
        let (then, end) = self.list()?;
        let end = end.ok_or_else(|| error(at, format!("`{keyword}` without an `end`")))?;
        self.variables.truncate(known + names.len());
        let otherwise = match (end.word, word(&end.rest)) {
            ("end", _) => Vec::new(),
            (_, Some("if")) if keyword != "range" => vec![self.branch("if", end.rest[1..].to_vec(), end.at)?],
            _ if end.rest.is_empty() => match self.list()? {
                (nodes, Some(End { word: "end", .. })) => nodes,
                _ => return Err(error(at, format!("`{keyword}` without an `end`"))),
            },
            _ => return Err(error(end.at, "`else` is followed by nothing, or by `if`")),
        };
        self.variables.truncate(known);
        self.depth -= 1;
        // A variable that is declared in a condition is set just before it.
        let mut names = names.into_iter();
        Ok(match (keyword, names.next(), names.next()) {
            ("range", Some(item), None) => {
                Node::Range { key: None, item: Some(item), over: pipeline, each: then, none: otherwise }
            }
            ("range", key, item) => Node::Range { key, item, over: pipeline, each: then, none: otherwise },
            ("with", name, _) => Node::With(named(name, pipeline, at)?, then, otherwise),
            (_, name, _) => Node::If(named(name, pipeline, at)?, then, otherwise),
        })
    }

    fn action(&mut self, tokens: Vec<Placed>, at: usize) -> Result<Node, TemplateError> {
        if let [Placed { token: Token::Variable(name), .. }, Placed { token: Token::Assign, .. }, rest @ ..] =
            &tokens[..]
        {
            if !self.variables.contains(name) {
                return Err(error(at, format!("there is no variable `${name}`")));
            }
            return Ok(Node::Set(name.clone(), self.pipeline(rest.to_vec(), at)?));
        }
        let (names, rest) = self.declared(tokens)?;
        let pipeline = self.pipeline(rest, at)?;
        match names.len() {
            0 => Ok(Node::Write(pipeline)),
            1 => {
                self.variables.extend(names.iter().cloned());
                Ok(Node::Set(names.into_iter().next().unwrap_or_default(), pipeline))
            }
            _ => Err(error(at, "only `range` has two variables")),
        }
    }

    /// Takes `$a :=` or `$a, $b :=` off the front.
    fn declared(&self, tokens: Vec<Placed>) -> Result<(Vec<String>, Vec<Placed>), TemplateError> {
        let Some(sign) = tokens.iter().position(|placed| placed.token == Token::Declare) else {
            return Ok((Vec::new(), tokens));
        };
        let names = tokens[..sign].iter().enumerate().filter_map(|(index, placed)| match &placed.token {
            Token::Variable(name) if index % 2 == 0 && !name.is_empty() => Some(Ok(name.clone())),
            Token::Comma if index % 2 == 1 => None,
            _ => Some(Err(error(placed.at, "only variables are declared"))),
        });
        let names: Vec<_> = names.collect::<Result<_, _>>()?;
        if names.is_empty() || names.len() > 2 {
            return Err(error(tokens[sign].at, "one or two variables are declared"));
        }
        Ok((names, tokens[sign + 1..].to_vec()))
    }

    fn pipeline(&mut self, tokens: Vec<Placed>, at: usize) -> Result<Pipeline, TemplateError> {
        let mut tokens = Tokens { tokens, next: 0, end: at };
        let pipeline = self.commands(&mut tokens)?;
        match tokens.peek() {
            None => Ok(pipeline),
            Some(_) => Err(error(tokens.at(), "this is not understood here")),
        }
    }

    fn commands(&mut self, tokens: &mut Tokens) -> Result<Pipeline, TemplateError> {
        let mut commands = Vec::new();
        loop {
            let at = tokens.at();
            let mut operands = Vec::new();
            while !matches!(tokens.peek(), None | Some(Token::Pipe | Token::Close)) {
                operands.push(self.operand(tokens)?);
            }
            let mut operands = operands.into_iter();
            commands.push(match operands.next() {
                None => return Err(error(at, "something is missing here")),
                Some(Operand::Call(function)) => {
                    let arguments: Vec<_> = operands.collect();
                    let given = arguments.len() + usize::from(!commands.is_empty());
                    function.takes(given).map_err(|reason| error(at, reason))?;
                    Command::Call(function, arguments)
                }
                Some(operand) if operands.len() == 0 && (commands.is_empty()) => Command::Operand(operand),
                Some(_) => return Err(error(at, "this is no function, so it can be given nothing")),
            });
            if tokens.peek() != Some(&Token::Pipe) {
                return Ok(Pipeline(commands));
            }
            tokens.next += 1;
        }
    }

    fn operand(&mut self, tokens: &mut Tokens) -> Result<Operand, TemplateError> {
        let at = tokens.at();
        let token = tokens.take().ok_or_else(|| error(at, "something is missing here"))?;
        Ok(match token {
            Token::Text(text) => Operand::Text(text),
            Token::Int(whole) => Operand::Int(whole),
            Token::Number(number) => Operand::Number(number),
            Token::Fields(names) => Operand::Dot(names),
            Token::Variable(name) => {
                if !self.variables.contains(&name) {
                    return Err(error(at, format!("there is no variable `${name}`")));
                }
                Operand::Variable(name, tokens.fields())
            }
            Token::Open => {
                self.depth += 1;
                if self.depth > MOST_DEPTH {
                    return Err(error(at, "parentheses lie too deep within each other"));
                }
                let pipeline = self.commands(tokens)?;
                self.depth -= 1;
                match tokens.take() {
                    Some(Token::Close) => Operand::Pipeline(Box::new(pipeline), tokens.fields()),
                    _ => return Err(error(at, "a parenthesis that is not closed")),
                }
            }
            Token::Word(word) => {
                match word.as_str() {
                    "true" => Operand::Bool(true),
                    "false" => Operand::Bool(false),
                    "nil" => Operand::Nil,
                    name => Operand::Call(Function::named(name).ok_or_else(|| {
                        error(at, format!("`{name}` is no action or function that templates have here"))
                    })?),
                }
            }
            _ => return Err(error(at, "this is not understood here")),
        })
    }
}

/// The tokens of one action, read one after the other.
struct Tokens {
    tokens: Vec<Placed>,
    next: usize,
    end: usize,
}

impl Tokens {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|placed| &placed.token)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |placed| placed.at)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.next).map(|placed| placed.token.clone());
        self.next += 1;
        token
    }

    /// Takes the fields that follow without white space.
    fn fields(&mut self) -> Vec<String> {
        match self.tokens.get(self.next) {
            Some(Placed { token: Token::Fields(names), apart: false, .. }) if !names.is_empty() => {
                self.next += 1;
                names.clone()
            }
            _ => Vec::new(),
        }
    }
}

fn word(tokens: &[Placed]) -> Option<&str> {
    match tokens.first() {
        Some(Placed { token: Token::Word(word), .. }) => Some(word),
        _ => None,
    }
}

/// A condition that declares a variable is not supported; `{{ $x := … }}` before it does the same.
fn named(name: Option<String>, pipeline: Pipeline, at: usize) -> Result<Pipeline, TemplateError> {
    match name {
        None => Ok(pipeline),
        Some(name) => Err(error(at, format!("declare `${name}` in an action of its own, before this one"))),
    }
}
