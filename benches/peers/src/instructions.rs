//! Instructions per request, counted by valgrind over this very program.

use std::fmt;
use std::process::Command;

use crate::drive::Row;
use crate::figures::grouped;
use crate::peer::Peer;

/// Instructions of one request; none where valgrind is absent.
#[derive(Clone, Copy, Debug)]
pub struct Instructions(Option<i64>);

impl Instructions {
    /// Counts a row's instructions: two runs of different length, so that starting and warming up cancel out.
    ///
    /// # Panics
    ///
    /// When valgrind is there but fails, rather than print a table that says it is not there.
    pub fn per_request(key: &str, quick: bool) -> Self {
        let (few, many) = if quick { (100, 300) } else { (1_000, 11_000) };
        let (Some(few_took), Some(many_took)) = (run(key, few), run(key, many)) else { return Self(None) };
        Self(Some((many_took - few_took) / i64::from(many - few)))
    }

    /// What these are more than `base`.
    pub fn over(self, base: Self) -> Self {
        Self(self.0.zip(base.0).map(|(count, base)| count - base))
    }

    /// The bare number for a cell.
    pub fn count(self) -> String {
        self.0.map_or_else(|| "n/a (valgrind not found)".to_owned(), grouped)
    }
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(count) => write!(f, "{} instructions", grouped(count)),
            None => f.write_str("instructions n/a (valgrind not found)"),
        }
    }
}

/// Sends `count` requests to one row; what is run under valgrind.
pub fn requests(peer: Peer, count: u32) {
    let mut row = Row::new(peer);
    row.send(100);
    row.send(count);
    row.assert_counted();
}

fn run(key: &str, count: u32) -> Option<i64> {
    let program = std::env::current_exe().expect("the path of this program");
    let output = Command::new("valgrind")
        // Only what a row does with requests: a row that calibrates a clock when it starts works as long as that takes.
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*drive::Row::send"])
        .arg(program)
        .args(["requests", key, &count.to_string()])
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => panic!("valgrind: {error}"),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "valgrind over `requests {key} {count}`: {}\n{said}", output.status);
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, count)| count.trim());
    let collected: Option<i64> = collected.and_then(|count| count.parse().ok());
    Some(collected.filter(|count| *count > 0).unwrap_or_else(|| panic!("no count from valgrind:\n{said}")))
}
