//! What the layouts of the screens are made of: rectangles of cells. A layout is
//! shared by the interface, which draws there, and by its screen's state, which
//! needs the map's size for zooming and the places under the mouse. Pure
//! arithmetic; knows no screen.

/// Below this the screens make no sense.
pub const MIN_SIZE: (u16, u16) = (40, 12);

/// A rectangle of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct Area {
    pub x: u16,
    pub y: u16,
    pub w: u16,
    pub h: u16,
}

impl Area {
    /// A rectangle from its corner and size.
    pub const fn new(x: u16, y: u16, w: u16, h: u16) -> Area {
        Area { x, y, w, h }
    }

    /// True if the cell lies inside.
    pub fn contains(self, (x, y): (u16, u16)) -> bool {
        (self.x..self.x.saturating_add(self.w)).contains(&x)
            && (self.y..self.y.saturating_add(self.h)).contains(&y)
    }
}

/// True if nothing but a message fits.
pub fn too_small((w, h): (u16, u16)) -> bool {
    w < MIN_SIZE.0 || h < MIN_SIZE.1
}

/// A map with its rulers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MapPlaces {
    /// What it is, one row (empty where the screen says it elsewhere).
    pub title: Area,
    /// The ruler above the map, one row.
    pub columns: Area,
    /// The ruler on the left; its last column is the map's edge.
    pub rows: Area,
    /// The map.
    pub map: Area,
    /// The cursor's mark below the map, one row.
    pub marks: Area,
}

impl MapPlaces {
    /// A map of `map` cells whose title starts at `(x, y)`, behind a ruler.
    pub(super) fn new((x, y): (u16, u16), ruler: u16, (w, h): (u16, u16)) -> MapPlaces {
        MapPlaces {
            title: Area::new(x, y, ruler + w, 1),
            columns: Area::new(x + ruler, y + 1, w, 1),
            rows: Area::new(x, y + 2, ruler, h),
            map: Area::new(x + ruler, y + 2, w, h),
            marks: Area::new(x + ruler, y + 2 + h, w, 1),
        }
    }
}
