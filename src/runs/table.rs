//! Small CSV tables with named columns. An empty field is a missing number.

use std::sync::Arc;

/// More rows than any table of ours has.
const MAX_ROWS: usize = 1 << 20;

/// A number, or nothing.
pub(super) fn number(value: Option<f64>) -> String {
    value.filter(|v| v.is_finite()).map_or_else(String::new, |v| v.to_string())
}

/// The file of a table.
pub(super) fn write(
    header: Vec<String>,
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<Vec<u8>, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header).map_err(|e| e.to_string())?;
    for row in rows {
        writer.write_record(&row).map_err(|e| e.to_string())?;
    }
    writer.into_inner().map_err(|e| e.to_string())
}

/// A row with its columns' names.
#[derive(Debug)]
pub(super) struct Row {
    line: u64,
    /// Shared: a wide one is not kept for each row.
    header: Arc<csv::StringRecord>,
    fields: csv::StringRecord,
}

impl Row {
    /// The text of a column.
    pub(super) fn text(&self, column: &str) -> Result<&str, String> {
        let at = self.header.iter().position(|name| name == column);
        at.and_then(|at| self.fields.get(at))
            .ok_or_else(|| format!("there is no column {column:?}"))
    }

    /// A finite number, or `None` where the field is empty.
    pub(super) fn number(&self, column: &str) -> Result<Option<f64>, String> {
        match self.text(column)? {
            "" => Ok(None),
            text => match text.parse::<f64>() {
                Ok(value) if value.is_finite() => Ok(Some(value)),
                _ => Err(self.bad(column, text)),
            },
        }
    }

    /// A number that has to be there.
    pub(super) fn needed(&self, column: &str) -> Result<f64, String> {
        self.number(column)?.ok_or_else(|| self.bad(column, ""))
    }

    /// A whole number.
    pub(super) fn whole<T: std::str::FromStr>(&self, column: &str) -> Result<T, String> {
        let text = self.text(column)?;
        text.parse().map_err(|_| self.bad(column, text))
    }

    /// The error of a field.
    pub(super) fn bad(&self, column: &str, text: &str) -> String {
        format!("line {}: {column} {text:?} is not what belongs there", self.line)
    }
}

/// The rows of a file; `expected` of them.
pub(super) fn read(bytes: &[u8], expected: usize) -> Result<Vec<Row>, String> {
    let rows = read_any(bytes)?;
    match rows.len() == expected {
        true => Ok(rows),
        false => Err(format!("{} rows; expected {expected}", rows.len())),
    }
}

/// The rows of a file, however many.
pub(super) fn read_any(bytes: &[u8]) -> Result<Vec<Row>, String> {
    let mut reader = csv::Reader::from_reader(bytes);
    let line = |e: &csv::Error| e.position().map_or(1, csv::Position::line);
    let words =
        |e: csv::Error| format!("line {}: {}", line(&e), crate::text::one_line(&e.to_string()));
    let header = Arc::new(reader.headers().map_err(words)?.clone());
    let mut rows = Vec::new();
    for fields in reader.records() {
        let fields = fields.map_err(words)?;
        if rows.len() == MAX_ROWS {
            return Err(format!("more than {MAX_ROWS} rows"));
        }
        let line = fields.position().map_or(0, csv::Position::line);
        rows.push(Row { line, header: Arc::clone(&header), fields });
    }
    Ok(rows)
}
