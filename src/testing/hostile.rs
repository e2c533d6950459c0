//! Events that are told to do harm: what breaks databases, parsers and screens.

use serde_json::{Map, Number, Value};

use crate::event::{Event, EventDraft, Level};
use crate::timestamp::Timestamp;

/// Texts that something or other chokes on.
const TEXTS: &[&str] = &[
    "\0",
    "a\0b\0",
    "\u{FFFE}\u{FFFF}",
    "\u{202E}txt.exe\u{202C}",
    "\u{1F469}\u{200D}\u{1F4BB}",
    "\u{1b}]8;;http://evil\u{7}click\u{1b}]8;;\u{7}",
    "line\r\nSet-Cookie: a=b",
    "\u{2028}\u{2029}\u{85}\u{9b}",
    "'; DROP TABLE watchkeeper.events; --",
    "$1 $$ $body$ \\' E'\\000' %s {0} ${jndi:ldap://x}",
    "100%_\\%",
    "{\"a\":1,\"a\":2}",
    "\\u0000 \\ud800 \\",
    "",
    " ",
    "NaN",
    "ﷺﷺﷺﷺ",
    "İıſKß",
];

/// Numbers that are printed or read in more than one way.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "-0.0",
    "1.0",
    "1e0",
    "1e16",
    "1.5e16",
    "1e19",
    "1e20",
    "1e22",
    "1e100",
    "-1e308",
    "1.7976931348623157e308",
    "5e-324",
    "2.2250738585072014e-308",
    "1e-7",
    "0.1",
    "9007199254740993",
    "18446744073709551615",
    "-9223372036854775808",
    "123456789012345678901234567890",
    "0.30000000000000004",
    "1e-320",
    "4.35",
];

/// Makes hostile events without end, the same for the same seed; about one in twelve is a bomb of some tens of kilobytes.
pub fn events(seed: u64) -> impl Iterator<Item = EventDraft> {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    std::iter::repeat_with(move || event(&mut dice))
}

/// A small generator of numbers at random (xorshift).
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides.max(1)
    }
}

fn event(dice: &mut Dice) -> EventDraft {
    let mut told = Event::log(text(dice));
    if dice.below(2) == 0 {
        told = told.message(text(dice)).level(Level::ALL[dice.below(Level::ALL.len())]);
    }
    for _ in 0..dice.below(4) {
        told = told.tag(text(dice), value(dice, 3));
    }
    if dice.below(3) == 0 {
        told = told.trace_id(text(dice)).dedup_key(text(dice)).created_by(text(dice));
    }
    if dice.below(4) == 0 {
        let times = [i64::MIN, -1, 0, 1_795_528_920_123_456, 4_102_444_800_000_000, i64::MAX];
        told = told.at(Timestamp::from_micros(times[dice.below(times.len())]));
    }
    match dice.below(72) {
        // One bomb of each kind, now and then.
        0 => told.detail("deep", (0..dice.below(200)).fold(value(dice, 1), |inner, _| Value::Array(vec![inner]))),
        1 => {
            let wide = (0..dice.below(800)).map(|n| (format!("{n}{}", text(dice)), value(dice, 0)));
            told.detail("wide", Value::Object(wide.collect()))
        }
        2 => told.detail("long", "é\0\"\n".repeat(dice.below(20_000))),
        3 => told.detail("numbers", Value::Array((0..dice.below(8_000)).map(|_| number("1e308")).collect())),
        4 => told.detail("k".repeat(dice.below(1000)), value(dice, 2)),
        5 => (0..dice.below(600)).fold(told, |told, n| told.detail(format!("m{n}"), value(dice, 0))),
        _ => (0..dice.below(6)).fold(told, |told, _| told.detail(text(dice), value(dice, 4))),
    }
}

fn text(dice: &mut Dice) -> String {
    if dice.below(3) > 0 {
        return format!("plain {}", dice.below(100));
    }
    let mut text: String = (0..=dice.below(2)).map(|_| TEXTS[dice.below(TEXTS.len())]).collect();
    if dice.below(3) == 0 {
        text.extend((0..dice.below(20)).filter_map(|_| char::from_u32(dice.below(0x11_0000) as u32)));
    }
    if dice.below(40) == 0 {
        text = text.repeat(dice.below(2000));
    }
    text
}

fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

fn value(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth == 0 { 6 } else { 9 }) {
        0 => Value::Null,
        1 => Value::Bool(dice.below(2) == 0),
        2 => number(NUMBERS[dice.below(NUMBERS.len())]),
        3 => {
            let bits = (dice.below(usize::MAX) as u64) << 11 ^ dice.below(usize::MAX) as u64;
            Number::from_f64(f64::from_bits(bits)).map_or(Value::Null, Value::Number)
        }
        4 | 5 => Value::String(text(dice)),
        6 => Value::Array((0..dice.below(5)).map(|_| value(dice, depth - 1)).collect()),
        _ => {
            let members: Map<_, _> = (0..dice.below(5)).map(|_| (text(dice), value(dice, depth - 1))).collect();
            Value::Object(members)
        }
    }
}
