//! Aligned tables.

use super::text::{clean, width};

/// Rows under headings, each column as wide as it must be.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings and no row.
    pub(super) fn new<const N: usize>(headings: [&str; N]) -> Self {
        Self { rows: vec![headings.map(str::to_owned).to_vec()] }
    }

    /// Adds a row with as many cells as there are headings; an empty cell is shown as `-`.
    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        let cell = |text: String| if text.is_empty() { "-".to_owned() } else { clean(&text) };
        self.rows.push(cells.map(cell).to_vec());
    }

    /// The table as text, without a space at the end of any line.
    pub(super) fn text(&self) -> String {
        let columns = self.rows.first().map_or(0, Vec::len);
        let widest = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max()
        };
        let widths: Vec<usize> = (0..columns).map(|column| widest(column).unwrap_or(0)).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, wide) in row.iter().zip(&widths) {
                line += cell;
                line += &" ".repeat(wide - width(cell) + 2);
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_also_under_wide_characters() {
        let mut table = Table::new(["ID", "NAME", "N"]);
        table.row(["a".to_owned(), "カメラ".to_owned(), "1".to_owned()]);
        table.row(["long".to_owned(), String::new(), "2".to_owned()]);
        assert_eq!(
            table.text(),
            "ID    NAME    N\n\
             a     カメラ  1\n\
             long  -       2\n"
        );
    }
}
