//! Markdown tables on standard output.

/// A table that is printed row by row, so that an interrupted run shows what it had.
pub struct Table;

impl Table {
    /// Prints a heading, the lines that say how the figures came about, and the table's head; the first column is text.
    pub fn begin(title: &str, about: &str, columns: &[&str]) -> Self {
        println!("### {title}\n\n{about}\n");
        println!("| {} |", columns.join(" | "));
        let marks: Vec<&str> = (0..columns.len()).map(|at| if at == 0 { "---" } else { "--:" }).collect();
        println!("|{}|", marks.join("|"));
        Self
    }

    /// Prints one row.
    pub fn row(&self, cells: &[String]) {
        println!("| {} |", cells.join(" | "));
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        println!();
    }
}
