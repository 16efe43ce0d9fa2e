//! What deletions cost is kept, also for runs inside the program, and what cannot
//! be kept is told and still there.

use std::fs;

use crate::explorer::{DIRECT, Explorer, SHAPES, SIZE};

/// Where a program without a runs folder nearby keeps runs.
const RUNS: &str = ".local/share/blockscope/runs";

/// Deletes two blocks; the shipped run knows what each costs alone.
const TWO: &[u8] = b"/layer2.1.conv1\rx/layer3.1.conv1\rx";

#[test]
fn deletions_of_a_shipped_run_are_there_the_next_time() {
    let home = tempfile::tempdir().unwrap();
    let open = || Explorer::open_in(home.path(), SHAPES, SIZE, &[DIRECT], &[]);
    let Some(explorer) = open() else { return };
    let runs = home.path().join(RUNS);
    explorer.terminal.wait_for("cpu");
    assert!(!runs.exists(), "looking at a run makes none");
    explorer.terminal.send(TWO);
    explorer.terminal.wait_for("kept: this shipped run is copied to");
    let table = runs.join(SHAPES).join("analysis/deletion.csv");
    let text = fs::read_to_string(&table).unwrap();
    assert!(text.contains("\nchosen,2,\"2.1,3.1\","), "{text}");
    let names: Vec<_> = fs::read_dir(&runs).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, [SHAPES], "and nothing half-written beside it");
    explorer.quit();

    let explorer = open().unwrap();
    explorer.terminal.send(b"\t\t\t");
    explorer.terminal.wait_for("cost of deleting, in points");
    explorer.terminal.send(TWO);
    // known, so nothing is computed and nothing copied again
    explorer.terminal.wait_for("deleted 2.1,3.1");
    explorer.terminal.look(|seen| assert!(!seen.has("evaluating") && !seen.has("kept: ")));
    explorer.quit();
}

#[test]
fn where_nothing_can_be_written_results_stay_on_screen_and_one_line_says_so() {
    let home = tempfile::tempdir().unwrap();
    let runs = home.path().join(RUNS);
    fs::create_dir_all(runs.parent().unwrap()).unwrap();
    fs::write(&runs, "no folder").unwrap();
    let open = Explorer::open_in(home.path(), SHAPES, SIZE, &[DIRECT], &[]);
    let Some(explorer) = open else { return };
    explorer.terminal.send(TWO);
    explorer.terminal.wait_for("not kept: ");
    explorer.terminal.send(b"h");
    explorer
        .terminal
        .wait("the result", |seen| seen.has("deleted 2.1,3.1") && !seen.has("not kept"));
    // there is room again: what was measured before is kept with the next result
    fs::remove_file(&runs).unwrap();
    explorer.terminal.send(b"/layer1.1.conv1\rx");
    explorer.terminal.wait_for("kept: this shipped run is copied to");
    let text = fs::read_to_string(runs.join(SHAPES).join("analysis/deletion.csv")).unwrap();
    assert!(text.contains("\nchosen,2,\"2.1,3.1\",") && text.contains("\"1.1,2.1,3.1\""), "{text}");
    explorer.quit();
}
