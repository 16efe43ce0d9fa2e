//! The long form of a map: one line per pair of layers.

use crate::domain::{Layer, SimilarityMatrix};

use super::{ExportError, Format};

/// `row,col,row_layer,col_layer,cka,se`: every ordered pair, row by row; fields
/// of undefined cells are empty. Numbers have as many digits as they need to
/// come back exactly.
///
/// # Errors
/// [`ExportError::Encode`] if a row cannot be encoded.
pub fn pairs(
    (rows, cols): (&[Layer], &[Layer]),
    values: &SimilarityMatrix,
    se: Option<&SimilarityMatrix>,
) -> Result<String, ExportError> {
    let number = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
    written(|writer| {
        writer.write_record(["row", "col", "row_layer", "col_layer", "cka", "se"])?;
        for (i, row) in rows.iter().enumerate() {
            for (j, col) in cols.iter().enumerate() {
                let value = number(values.get(i, j));
                let error = number(se.and_then(|se| se.get(i, j)));
                let (i, j) = (i.to_string(), j.to_string());
                writer.write_record([&i, &j, &row.name, &col.name, &value, &error])?;
            }
        }
        Ok(())
    })
}

/// Any rows, the first of them the header.
///
/// # Errors
/// [`ExportError::Encode`] if a row cannot be encoded.
pub fn rows(rows: &[Vec<String>]) -> Result<String, ExportError> {
    written(|writer| rows.iter().try_for_each(|row| writer.write_record(row)))
}

/// The text that `fill` writes.
fn written(
    fill: impl FnOnce(&mut csv::Writer<Vec<u8>>) -> csv::Result<()>,
) -> Result<String, ExportError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    fill(&mut writer).map_err(|e| ExportError::encode(Format::Csv, e))?;
    let bytes = writer.into_inner().map_err(|e| ExportError::encode(Format::Csv, e))?;
    String::from_utf8(bytes).map_err(|e| ExportError::encode(Format::Csv, e))
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_map;
    use super::*;

    #[test]
    fn one_line_per_pair_and_empty_fields_for_undefined() {
        let text = with_map(4, |map| pairs((map.rows, map.cols), map.values, map.se).unwrap());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 17);
        assert_eq!(lines[1], "0,0,conv1,conv1,1,0.002");
        assert_eq!(lines[2], "0,1,conv1,bn1,,");
        assert_eq!(lines[3], "0,2,conv1,relu1,-0.125,0.002");
        let mut names = with_map(2, |map| map.rows.to_vec());
        names[0].name = "a,\"b\"\nc".into();
        let quoted = with_map(2, |map| pairs((&names, &names), map.values, None).unwrap());
        let row = csv::Reader::from_reader(quoted.as_bytes()).records().next().unwrap().unwrap();
        assert_eq!((&row[2], &row[5]), ("a,\"b\"\nc", ""));
    }
}
