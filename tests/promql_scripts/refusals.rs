//! What is refused when a query is made, and where it says that the fault is.

use watchkeeper::promql::engine::{Query, QueryError};

/// The text of a refusal.
fn refusal(expression: &str) -> String {
    Query::parse(expression).map_or_else(|error| error.to_string(), |_| format!("{expression} is taken"))
}

#[test]
fn what_is_not_supported_is_named_with_its_position() {
    for (expression, name, position) in [
        ("1 + histogram_count(rate(a[5m]))", "histogram_count", 4),
        ("sum by (x) (info(a))", "info", 12),
        ("histogram_quantiles(a, 'q', 0.5)", "histogram_quantiles", 0),
        ("limit_ratio(0.5, a)", "limit_ratio", 0),
        ("a + fill(0) b", "fill", 4),
        ("rate(a[5m] anchored)", "anchored", 11),
        ("a smoothed", "smoothed", 2),
        ("rate(a[5m + 1m])", "+", 10),
        ("a offset (1m)", "offset", 2),
        ("a </ 3", "</", 2),
        ("{a='1' or b='2'}", "or", 7),
    ] {
        match Query::parse(expression) {
            Err(QueryError::Unsupported { position: found, name: found_name, .. }) => {
                assert_eq!((found, found_name.as_str()), (position, name), "{expression}");
            }
            other => panic!("{expression}: {other:?}"),
        }
    }
}

#[test]
fn a_fault_is_told_with_its_position() {
    for (expression, text) in [
        ("", "parse error at position 0: no expression found in input"),
        ("sum(a", "parse error at position 5: unclosed left parenthesis"),
        ("a + * b", "parse error at position 4: unexpected \"*\""),
        ("a b", "parse error at position 2: unexpected \"b\""),
        ("sum(rat(a[5m]))", "parse error at position 4: unknown function with name \"rat\""),
        ("1 + rate(a)", "parse error at position 4: expected type matrix in call to function 'rate', got vector"),
        ("{a=~''}", "parse error at position 1: vector selector must contain at least one non-empty matcher"),
        ("a{b=~'('}", "parse error at position 5: invalid regular expression `(`: unclosed group"),
        ("a[1e400]", "parse error at position 2: duration out of range: \"1e400\""),
        ("a[0]", "parse error at position 2: duration must be greater than 0: \"0\""),
        ("a offset inf", "parse error at position 9: duration out of range: \"inf\""),
        (
            "label_replace(a, 'b', '', 'c', '[')",
            "parse error at position 0: invalid regular expression `[`: unclosed character class",
        ),
        ("1 > 2", "parse error at position 0: comparisons between scalars must use BOOL modifier"),
        ("count_values('', a)", "parse error at position 0: invalid label name \"\""),
    ] {
        assert_eq!(refusal(expression), text, "{expression}");
    }
}

#[test]
fn what_is_too_long_too_deep_or_has_too_many_patterns_is_refused() {
    let long = format!("a{{b='{}'}}", "x".repeat(Query::MOST_BYTES));
    assert!(refusal(&long).contains("bytes 8199, at most 8192"), "{}", refusal(&long));
    for deep in ["-", "(", "abs(", "a + ", "sum("] {
        let expression = format!("{}a", deep.repeat(Query::MOST_LEVELS + 1));
        assert!(refusal(&expression).contains("levels:"), "{deep}: {}", refusal(&expression));
    }
    let subqueries = format!("a{}", "[5m:]".repeat(Query::MOST_LEVELS + 1));
    assert!(refusal(&subqueries).contains("levels:"), "{}", refusal(&subqueries));
    let patterns = format!("a{{{}}}", "b=~'c',".repeat(Query::MOST_PATTERNS + 1));
    assert!(refusal(&patterns).contains("regular expressions: 33"), "{}", refusal(&patterns));
    assert!(refusal(r"a{b=~'(\\pL{1000}){100}'}").contains("it compiles to more than"));
}

#[test]
fn an_expression_of_the_deepest_kind_is_read_and_dropped_on_a_small_stack() {
    let deepest = |open: &str, close: &str| {
        let levels = Query::MOST_LEVELS;
        format!("{}a{}", open.repeat(levels), close.repeat(levels))
    };
    let expressions =
        [deepest("abs(", ")"), deepest("-", ""), deepest("a + ", ""), deepest("a ^ ", ""), deepest("(", ")")];
    let small = std::thread::Builder::new().stack_size(1 << 20).spawn(move || {
        for expression in expressions {
            let query = Query::parse(&expression).unwrap_or_else(|error| panic!("{error}"));
            let engine = watchkeeper::promql::engine::Engine::default();
            engine
                .instant(&query, &super::stored::Stored::of(10, &["a 1"]), 0)
                .unwrap_or_else(|error| panic!("{error}"));
        }
    });
    small.expect("a thread").join().expect("no overflow");
}
