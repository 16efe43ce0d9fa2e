//! Nearest colours of smaller palettes. For the interface's own colours only;
//! data takes the ramps of the colour maps, which keep lightness in order.

use crate::theme::{Rgb, xterm};

/// Squared distance, weighted roughly as the eye does.
fn distance(Rgb(r, g, b): Rgb, Rgb(s, h, c): Rgb) -> u32 {
    let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    2 * square(r, s) + 4 * square(g, h) + 3 * square(b, c)
}

/// The nearest of the fixed colours 16 to 255.
pub fn to_indexed(rgb: Rgb) -> u8 {
    (16..=255u8).min_by_key(|i| distance(rgb, xterm(*i))).unwrap_or(16)
}

/// The nearest of the usual sixteen.
pub fn to_ansi16(rgb: Rgb) -> u8 {
    (0..16u8).min_by_key(|i| distance(rgb, xterm(*i))).unwrap_or(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn palette_colours_are_their_own_nearest() {
        for i in 16..=255u8 {
            assert_eq!(xterm(to_indexed(xterm(i))), xterm(i));
        }
        for i in 0..16u8 {
            assert_eq!(to_ansi16(xterm(i)), i);
        }
    }
}
