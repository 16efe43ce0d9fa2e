//! The usual values of the 256-colour palette.

use super::colour::Rgb;

/// Steps of xterm's 6x6x6 cube.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The usual values of the sixteen colours.
const ANSI: [Rgb; 16] = [
    Rgb(0, 0, 0),
    Rgb(205, 0, 0),
    Rgb(0, 205, 0),
    Rgb(205, 205, 0),
    Rgb(0, 0, 238),
    Rgb(205, 0, 205),
    Rgb(0, 205, 205),
    Rgb(229, 229, 229),
    Rgb(127, 127, 127),
    Rgb(255, 0, 0),
    Rgb(0, 255, 0),
    Rgb(255, 255, 0),
    Rgb(92, 92, 255),
    Rgb(255, 0, 255),
    Rgb(0, 255, 255),
    Rgb(255, 255, 255),
];

/// The value of a colour of xterm's palette.
pub fn xterm(index: u8) -> Rgb {
    match index {
        0..=15 => ANSI[usize::from(index)],
        16..=231 => {
            let i = usize::from(index - 16);
            Rgb(STEPS[i / 36], STEPS[i / 6 % 6], STEPS[i % 6])
        }
        232.. => {
            let level = 8 + 10 * (index - 232);
            Rgb(level, level, level)
        }
    }
}
