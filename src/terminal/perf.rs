//! Times and bytes of frames: one line over the interface (F12), and one line a
//! frame in the log (`BLOCKSCOPE_LOG=blockscope::perf=debug`). Never a reason
//! to draw.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::style::{Modifier, Style};

use super::backend::Written;

/// One frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Frame {
    /// Time to fill the buffer.
    pub build: Duration,
    /// Time to find and encode what changed.
    pub diff: Duration,
    /// Time until the terminal took it.
    pub flush: Duration,
    /// Bytes written.
    pub bytes: usize,
    /// Cells written.
    pub cells: usize,
    /// Events that arrived meanwhile.
    pub queued: usize,
    /// Time from the first key that it answers to the end of the flush.
    pub key: Option<Duration>,
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

impl Frame {
    /// Writes it to the log.
    pub fn log(&self) {
        tracing::debug!(
            target: "blockscope::perf",
            build = ms(self.build),
            diff = ms(self.diff),
            flush = ms(self.flush),
            bytes = self.bytes,
            cells = self.cells,
            queued = self.queued,
            key = self.key.map(ms),
            "frame"
        );
    }

    /// One line; the sums are those of all frames.
    pub fn line(&self, all: Written) -> String {
        let key = self.key.map(|k| format!(" · key to flush {:.1} ms", ms(k))).unwrap_or_default();
        format!(
            " build {:.1} + diff {:.1} + flush {:.1} ms · {} B, {} cells · {} frames, {} kB{key} ",
            ms(self.build),
            ms(self.diff),
            ms(self.flush),
            self.bytes,
            self.cells,
            all.frames,
            all.bytes / 1000,
        )
    }
}

/// Draws the line at the right end of the first row.
pub fn overlay(line: &str, buffer: &mut Buffer) {
    let area = buffer.area;
    let columns = line.chars().count().min(usize::from(area.width)) as u16;
    if area.height > 0 {
        let x = area.right() - columns;
        let style = Style::reset().add_modifier(Modifier::REVERSED);
        buffer.set_stringn(x, area.y, line, usize::from(columns), style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;

    #[test]
    fn the_line_fits_any_screen() {
        let frame =
            Frame { bytes: 213, key: Some(Duration::from_micros(4_300)), ..Frame::default() };
        let line = frame.line(Written { frames: 12, bytes: 34_567 });
        assert!(line.contains("213 B") && line.contains("34 kB") && line.contains("4.3 ms"));
        for (w, h) in [(0, 0), (1, 1), (10, 2), (120, 40)] {
            let mut buffer = Buffer::empty(Rect::new(0, 0, w, h));
            overlay(&line, &mut buffer);
        }
    }
}
