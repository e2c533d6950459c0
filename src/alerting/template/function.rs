//! The functions of templates.

use super::number::{general, humanize, humanize_1024, humanize_duration, humanize_percentage, humanize_timestamp};
use super::value::Value;
use super::{ExpandError, TemplateData};

macro_rules! functions {
    ($($variant:ident = $name:literal, $least:literal ..= $most:expr;)+) => {
        /// A function that templates have.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Function { $($variant),+ }

        impl Function {
            pub(super) fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// Its name, and how many arguments it takes.
            const fn shape(self) -> (&'static str, usize, usize) {
                match self {
                    $(Self::$variant => ($name, $least, $most),)+
                }
            }
        }
    };
}

const MANY: usize = 64;

functions! {
    And = "and", 1..=MANY;
    Eq = "eq", 2..=MANY;
    ExternalUrl = "externalURL", 0..=0;
    First = "first", 1..=1;
    Ge = "ge", 2..=2;
    Gt = "gt", 2..=2;
    Humanize = "humanize", 1..=1;
    Humanize1024 = "humanize1024", 1..=1;
    HumanizeDuration = "humanizeDuration", 1..=1;
    HumanizePercentage = "humanizePercentage", 1..=1;
    HumanizeTimestamp = "humanizeTimestamp", 1..=1;
    Index = "index", 2..=2;
    Label = "label", 2..=2;
    Le = "le", 2..=2;
    Len = "len", 1..=1;
    Lt = "lt", 2..=2;
    Ne = "ne", 2..=2;
    Not = "not", 1..=1;
    Or = "or", 1..=MANY;
    PathPrefix = "pathPrefix", 0..=0;
    Print = "print", 0..=MANY;
    Printf = "printf", 1..=MANY;
    Println = "println", 0..=MANY;
    Query = "query", 1..=1;
    SafeHtml = "safeHtml", 1..=1;
    SortByLabel = "sortByLabel", 2..=2;
    StripDomain = "stripDomain", 1..=1;
    StripPort = "stripPort", 1..=1;
    StrValue = "strvalue", 1..=1;
    Title = "title", 1..=1;
    ToLower = "toLower", 1..=1;
    ToUpper = "toUpper", 1..=1;
    ValueOf = "value", 1..=1;
}

impl Function {
    /// Checks how many arguments it is given.
    pub(super) fn takes(self, given: usize) -> Result<(), String> {
        let (name, least, most) = self.shape();
        if (least..=most).contains(&given) { Ok(()) } else { Err(format!("`{name}` is not given {given} arguments")) }
    }

    pub(super) fn call(self, arguments: &[Value], data: &TemplateData<'_>) -> Result<Value, ExpandError> {
        let first = arguments.first().unwrap_or(&Value::Nil);
        let second = arguments.get(1).unwrap_or(&Value::Nil);
        let text = |text: String| Ok(Value::Text(text));
        match self {
            Self::And => {
                Ok(arguments.iter().find(|value| !value.is_true()).or(arguments.last()).unwrap_or(first).clone())
            }
            Self::Or => {
                Ok(arguments.iter().find(|value| value.is_true()).or(arguments.last()).unwrap_or(first).clone())
            }
            Self::Not => Ok(Value::Bool(!first.is_true())),
            Self::Eq => {
                let equal =
                    arguments[1..].iter().map(|other| Ok(order(first, other)? == Some(std::cmp::Ordering::Equal)));
                Ok(Value::Bool(equal.collect::<Result<Vec<_>, _>>()?.contains(&true)))
            }
            Self::Ne => Ok(Value::Bool(order(first, second)? != Some(std::cmp::Ordering::Equal))),
            Self::Lt => Ok(Value::Bool(order(first, second)?.is_some_and(std::cmp::Ordering::is_lt))),
            Self::Le => Ok(Value::Bool(order(first, second)?.is_some_and(std::cmp::Ordering::is_le))),
            Self::Gt => Ok(Value::Bool(order(first, second)?.is_some_and(std::cmp::Ordering::is_gt))),
            Self::Ge => Ok(Value::Bool(order(first, second)?.is_some_and(std::cmp::Ordering::is_ge))),
            Self::Len => length(first),
            Self::Index => index(first, second),
            Self::Print | Self::Println => text(print(arguments, matches!(self, Self::Println))),
            Self::Printf => text(printf(first.text()?, &arguments[1..])?),
            Self::Humanize => text(humanize(first.number()?)),
            Self::Humanize1024 => text(humanize_1024(first.number()?)),
            Self::HumanizeDuration => text(humanize_duration(first.number()?)),
            Self::HumanizePercentage => text(humanize_percentage(first.number()?)),
            Self::HumanizeTimestamp => text(humanize_timestamp(first.number()?)),
            Self::Title => text(title(first.text()?)),
            Self::ToLower => text(first.text()?.to_lowercase()),
            Self::ToUpper => text(first.text()?.to_uppercase()),
            Self::SafeHtml => text(first.text()?.to_owned()),
            Self::StripPort => text(strip_port(first.text()?).to_owned()),
            Self::StripDomain => text(strip_domain(first.text()?)),
            Self::ExternalUrl => text(data.external_url.to_owned()),
            Self::PathPrefix => text(path_of(data.external_url).to_owned()),
            Self::Query => (data.query)(first.text()?).map(Value::Samples).map_err(ExpandError),
            Self::First => match first {
                Value::Samples(samples) if !samples.is_empty() => Ok(Value::Sample(samples[0].clone())),
                _ => Err(ExpandError("first() called on vector with no elements".to_owned())),
            },
            Self::Label => match second {
                Value::Sample(sample) => text(sample.labels.get(first.text()?).cloned().unwrap_or_default()),
                _ => Err(ExpandError("`label` is for a sample".to_owned())),
            },
            Self::ValueOf => match first {
                Value::Sample(sample) => Ok(Value::Number(sample.value)),
                _ => Err(ExpandError("`value` is for a sample".to_owned())),
            },
            Self::StrValue => match first {
                Value::Sample(sample) => text(sample.labels.get("__value__").cloned().unwrap_or_default()),
                _ => Err(ExpandError("`strvalue` is for a sample".to_owned())),
            },
            Self::SortByLabel => match second {
                Value::Samples(samples) => {
                    let (name, mut samples) = (first.text()?, samples.clone());
                    samples.sort_by(|a, b| a.labels.get(name).cmp(&b.labels.get(name)));
                    Ok(Value::Samples(samples))
                }
                _ => Err(ExpandError("`sortByLabel` is for what a query finds".to_owned())),
            },
        }
    }
}

/// How two values stand to each other; none where one is not a number.
fn order(one: &Value, other: &Value) -> Result<Option<std::cmp::Ordering>, ExpandError> {
    match (one, other) {
        (Value::Text(one), Value::Text(other)) => Ok(Some(one.cmp(other))),
        (Value::Bool(one), Value::Bool(other)) => Ok(Some(one.cmp(other))),
        (Value::Int(one), Value::Int(other)) => Ok(Some(one.cmp(other))),
        (Value::Number(one), Value::Number(other)) => Ok(one.partial_cmp(other)),
        _ => Err(ExpandError("incompatible types for comparison".to_owned())),
    }
}

fn length(of: &Value) -> Result<Value, ExpandError> {
    let length = match of {
        Value::Text(text) => text.len(),
        Value::Labels(labels) => labels.len(),
        Value::Samples(samples) => samples.len(),
        _ => return Err(ExpandError("this has no length".to_owned())),
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn index(of: &Value, at: &Value) -> Result<Value, ExpandError> {
    match (of, at) {
        (Value::Labels(labels), Value::Text(name)) => Ok(Value::Text(labels.get(name).cloned().unwrap_or_default())),
        (Value::Samples(samples), Value::Int(at)) => usize::try_from(*at)
            .ok()
            .and_then(|at| samples.get(at).cloned())
            .map(Value::Sample)
            .ok_or_else(|| ExpandError(format!("index out of range: {at}"))),
        _ => Err(ExpandError("this has no such index".to_owned())),
    }
}

/// Go's `Print` puts a space between two values of which neither is a text; `Println` always, and ends the line.
fn print(values: &[Value], line: bool) -> String {
    let mut written = String::new();
    for (at, value) in values.iter().enumerate() {
        let is_text = |value: &Value| matches!(value, Value::Text(_));
        if at > 0 && (line || (!is_text(value) && !is_text(&values[at - 1]))) {
            written.push(' ');
        }
        written += &value.written();
    }
    if line {
        written.push('\n');
    }
    written
}

/// The part of Go's `Printf` that is used: `%s %v %q %d %f %e %g %t %%`, with sign, zeros, width and precision.
fn printf(format: &str, values: &[Value]) -> Result<String, ExpandError> {
    let (mut written, mut values, mut rest) = (String::new(), values.iter(), format);
    while let Some(percent) = rest.find('%') {
        written += &rest[..percent];
        rest = &rest[percent + 1..];
        let end = rest.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+')).unwrap_or(rest.len());
        let (flags, verb) = (&rest[..end], rest[end..].chars().next());
        let verb = verb.ok_or_else(|| ExpandError("`printf` with a `%` at its end".to_owned()))?;
        rest = &rest[end + verb.len_utf8()..];
        if verb == '%' {
            written.push('%');
            continue;
        }
        let value = values.next().ok_or_else(|| ExpandError(format!("`printf` has nothing for `%{verb}`")))?;
        let sizes = flags.trim_start_matches(['-', '+', '0']);
        let (width, precision) = sizes.split_once('.').map_or((sizes, None), |(width, rest)| (width, Some(rest)));
        let size = |digits: &str| digits.parse::<usize>().unwrap_or(0).min(256);
        let precision = precision.map(size);
        let mut text = match (verb, value) {
            ('s' | 'v', Value::Number(number)) if precision.is_some() => general(*number, precision),
            ('s' | 'v', value) => value.written(),
            ('q', Value::Text(text)) => format!("{text:?}"),
            ('t', Value::Bool(is)) => is.to_string(),
            ('d', Value::Int(whole)) => whole.to_string(),
            ('f', Value::Number(number)) => format!("{number:.*}", precision.unwrap_or(6)),
            ('g', Value::Number(number)) => general(*number, precision),
            ('e', Value::Number(number)) => exponential(*number, precision.unwrap_or(6)),
            (verb, value) => format!("%!{verb}({})", value.written()),
        };
        let is_number = matches!(value, Value::Number(_) | Value::Int(_));
        if is_number && flags.contains('+') && !text.starts_with(['-', '+']) {
            text.insert(0, '+');
        }
        let missing = size(width).saturating_sub(text.chars().count());
        let leads = flags.len() - flags.trim_start_matches(['-', '+', '0']).len();
        if flags[..leads].contains('-') {
            text += &" ".repeat(missing);
        } else if is_number && flags[..leads].contains('0') {
            text.insert_str(usize::from(text.starts_with(['-', '+'])), &"0".repeat(missing));
        } else {
            text.insert_str(0, &" ".repeat(missing));
        }
        written += &text;
    }
    Ok(written + rest)
}

fn exponential(number: f64, precision: usize) -> String {
    let text = format!("{number:.precision$e}");
    match text.split_once('e').and_then(|(mantissa, exponent)| Some((mantissa, exponent.parse::<i32>().ok()?))) {
        Some((mantissa, exponent)) => {
            format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
        }
        None => text,
    }
}

fn title(text: &str) -> String {
    let mut before = ' ';
    let upper =
        |c: char, before: char| if before.is_alphanumeric() || matches!(before, '_' | '\'') { c } else { big(c) };
    text.chars().map(|c| upper(c, std::mem::replace(&mut before, c))).collect()
}

fn big(c: char) -> char {
    c.to_uppercase().next().unwrap_or(c)
}

/// A host without its port.
fn strip_port(address: &str) -> &str {
    match address.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
                Some(host) => host,
                None if host.contains(':') => address,
                None => host,
            }
        }
        _ => address,
    }
}

/// The first name of a host, with its port; an address stays whole.
fn strip_domain(address: &str) -> String {
    let host = strip_port(address);
    if host.parse::<std::net::IpAddr>().is_ok() {
        return address.to_owned();
    }
    let port = address.strip_prefix(host).unwrap_or("");
    format!("{}{port}", host.split('.').next().unwrap_or(host))
}

fn path_of(url: &str) -> &str {
    let after = url.find("://").map_or(0, |at| at + 3);
    url[after..].find('/').map_or("", |at| &url[after + at..])
}
