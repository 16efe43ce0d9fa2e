//! The long form: one line per pair of layers.

use super::ReportError;
use crate::export::csv::pairs;
use crate::runs::LoadedRun;
use crate::text::one_line;

/// `row,col,row_layer,col_layer,cka,se` of every pair of layers.
///
/// # Errors
/// [`ReportError::NoAnalysis`] if the run was not analysed.
pub fn csv(run: &LoadedRun) -> Result<String, ReportError> {
    let name = || one_line(&run.manifest.name);
    let analysis = run.cka().ok_or_else(|| ReportError::NoAnalysis(name()))?;
    let layers = analysis.layers();
    Ok(pairs((layers, layers), &analysis.values, analysis.error.as_ref())?)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::run;
    use super::*;

    #[test]
    fn a_line_per_pair_or_a_remedy() {
        let text = csv(&run(Some(5))).unwrap();
        assert_eq!(text.lines().count(), 26);
        assert!(text.starts_with("row,col,row_layer,col_layer,cka,se\n0,0,conv1,conv1,1,"));
        let error = csv(&run(None)).unwrap_err().to_string();
        assert!(error.contains("blockscope analyze a"), "{error}");
    }
}
