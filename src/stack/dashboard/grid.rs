//! The grid: where panels stand on a screen that is 24 wide, in the order in which they are given.

use serde_json::{Value, json};

const WIDTH: u8 = 24;

/// A panel's place and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    x: u8,
    y: u32,
    width: u8,
    height: u8,
}

impl Place {
    pub(super) fn render(self) -> Value {
        json!({"h": self.height, "w": self.width, "x": self.x, "y": self.y})
    }
}

/// Fills line after line from the left, each as high as its highest panel.
#[derive(Debug, Default)]
pub(super) struct Grid {
    x: u8,
    y: u32,
    line_height: u8,
}

impl Grid {
    pub(super) fn place(&mut self, width: u8, height: u8) -> Place {
        if self.x + width > WIDTH {
            self.new_line();
        }
        let place = Place { x: self.x, y: self.y, width, height };
        self.x += width;
        self.line_height = self.line_height.max(height);
        place
    }

    /// A line of its own, for the title of a row.
    pub(super) fn heading(&mut self) -> Place {
        self.new_line();
        let place = self.place(WIDTH, 1);
        self.new_line();
        place
    }

    fn new_line(&mut self) {
        self.y += u32::from(self.line_height);
        (self.x, self.line_height) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_fill_a_line_and_then_the_next_one() {
        let mut grid = Grid::default();
        let places = [(12, 8), (12, 6), (6, 4), (24, 8)].map(|(width, height)| grid.place(width, height));
        let at = places.map(|place| (place.x, place.y));
        assert_eq!(at, [(0, 0), (12, 0), (0, 8), (0, 12)]);
        assert_eq!(grid.heading(), Place { x: 0, y: 20, width: 24, height: 1 });
        assert_eq!(grid.place(1, 1), Place { x: 0, y: 21, width: 1, height: 1 });
    }
}
