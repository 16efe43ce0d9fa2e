//! Few colours for the pixels of a picture: Heckbert's median cut (SIGGRAPH 1982), then
//! some rounds of k-means. Knows nothing of files.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Rounds of k-means after the cut: more change nothing that an eye sees.
const ROUNDS: usize = 4;

/// The colours of pixels that have at most 256, and for each pixel the number of its own.
pub fn exact(pixels: &[[u8; 3]]) -> Option<(Vec<[u8; 3]>, Vec<u8>)> {
    let mut numbers: HashMap<[u8; 3], u8> = HashMap::new();
    let mut colours = Vec::new();
    let mut indices = Vec::with_capacity(pixels.len());
    for pixel in pixels {
        let next = colours.len();
        let number = match numbers.entry(*pixel) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let number = u8::try_from(next).ok()?;
                colours.push(*pixel);
                *new.insert(number)
            }
        };
        indices.push(number);
    }
    Some((colours, indices))
}

/// At most `most` colours (at least one, at most 256) and for each pixel the number of the
/// nearest.
pub fn reduce(pixels: &[[u8; 3]], most: usize) -> (Vec<[u8; 3]>, Vec<u8>) {
    let most = most.clamp(1, 256);
    if let Some(all) = exact(pixels).filter(|(colours, _)| colours.len() <= most) {
        return all;
    }
    let mut colours = cut(pixels.to_vec(), most);
    let mut indices = assign(pixels, &colours);
    for _ in 0..ROUNDS {
        let mut sums = vec![([0u32; 3], 0u32); colours.len()];
        for (pixel, index) in pixels.iter().zip(&indices) {
            let (sum, count) = &mut sums[usize::from(*index)];
            sum.iter_mut().zip(pixel).for_each(|(sum, v)| *sum += u32::from(*v));
            *count += 1;
        }
        for (colour, (sum, count)) in colours.iter_mut().zip(sums).filter(|(_, (_, n))| *n > 0) {
            *colour = sum.map(|sum| ((sum + count / 2) / count) as u8);
        }
        indices = assign(pixels, &colours);
    }
    (colours, indices)
}

/// The means of boxes: the box of the widest spread, weighted by its pixels, is cut at the
/// median of its longest side until there are `most`.
fn cut(pixels: Vec<[u8; 3]>, most: usize) -> Vec<[u8; 3]> {
    let spread = |of: &[[u8; 3]]| {
        let range = |c: usize| {
            let (low, high) = of.iter().fold((255, 0), |(l, h), p| (p[c].min(l), p[c].max(h)));
            (u32::from(high).saturating_sub(low.into()), c)
        };
        [0, 1, 2].map(range).into_iter().max().unwrap_or((0, 0))
    };
    let mut boxes = vec![pixels];
    while boxes.len() < most {
        let weight = |of: &Vec<[u8; 3]>| u64::from(spread(of).0) * of.len() as u64;
        let Some((at, _)) = boxes.iter().enumerate().max_by_key(|(_, of)| weight(of)) else {
            break;
        };
        let (range, channel) = spread(&boxes[at]);
        if range == 0 {
            break;
        }
        let mut whole = boxes.swap_remove(at);
        whole.sort_unstable_by_key(|p| p[channel]);
        // equal values stay together, and both sides get some
        let middle = whole[whole.len() / 2][channel];
        let mut split = whole.partition_point(|p| p[channel] < middle);
        if split == 0 {
            split = whole.partition_point(|p| p[channel] <= middle);
        }
        boxes.push(whole.split_off(split));
        boxes.push(whole);
    }
    let mean = |of: &Vec<[u8; 3]>| {
        let count = of.len().max(1) as u32;
        [0, 1, 2].map(|c| (of.iter().map(|p| u32::from(p[c])).sum::<u32>() / count) as u8)
    };
    boxes.iter().map(mean).collect()
}

fn assign(pixels: &[[u8; 3]], colours: &[[u8; 3]]) -> Vec<u8> {
    let apart = |a: &[u8; 3], b: &[u8; 3]| {
        a.iter().zip(b).map(|(x, y)| u32::from(x.abs_diff(*y)).pow(2)).sum::<u32>()
    };
    let nearest = |pixel: &[u8; 3]| {
        let best = colours.iter().enumerate().min_by_key(|(_, colour)| apart(pixel, colour));
        best.map_or(0, |(at, _)| at as u8)
    };
    pixels.iter().map(nearest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_colours_stay_and_many_come_close() {
        let few = [[1, 2, 3], [9, 9, 9], [1, 2, 3]];
        let (colours, indices) = reduce(&few, 4);
        let back: Vec<[u8; 3]> = indices.iter().map(|i| colours[usize::from(*i)]).collect();
        assert_eq!(back, few);
        // a ramp of 1024 greys and colours: 32 boxes are 8 levels wide
        let ramp: Vec<[u8; 3]> = (0..1024).map(|i| [(i / 4) as u8; 3]).collect();
        let (colours, indices) = reduce(&ramp, 32);
        assert_eq!(colours.len(), 32);
        let worst =
            ramp.iter().zip(&indices).map(|(p, i)| p[0].abs_diff(colours[usize::from(*i)][0]));
        assert!(worst.max().unwrap() <= 5);
        assert_eq!(reduce(&[[7, 7, 7]; 5], 0).0, [[7, 7, 7]]);
        assert!(reduce(&[], 8).1.is_empty());
    }
}
