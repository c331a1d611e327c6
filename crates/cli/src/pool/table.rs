//! Tables for people: columns as wide as what is in them.

use std::fmt;

/// Rows of `N` columns under their titles.
#[derive(Debug)]
pub(super) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// Returns a table without rows.
    pub(super) fn new(titles: [&str; N]) -> Self {
        Table { rows: vec![titles.map(str::to_owned)] }
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: [String; N]) {
        self.rows.push(row);
    }
}

/// Lines without an end after the last, and without spaces at their ends.
impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
        };
        let widths: [usize; N] = std::array::from_fn(width);
        for (index, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(widths);
            let cells: Vec<_> = cells.map(|(cell, width)| format!("{cell:<width$}")).collect();
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_columns_as_wide_as_what_is_in_them() {
        let mut table = Table::new(["HUB", "LAG"]);
        table.push(["alder-1".to_owned(), "0".to_owned()]);
        table.push(["b".to_owned(), String::new()]);

        assert_eq!(table.to_string(), "HUB      LAG\nalder-1  0\nb");
    }
}
