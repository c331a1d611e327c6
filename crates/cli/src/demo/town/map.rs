//! The town in characters.

use super::{CORRIDOR_M, EXTENT_M, HOSPITAL_M, HOSPITAL_RADIUS_M, Scene};

/// How many characters the map is wide and high; a character is twice as high as wide.
const COLUMNS: usize = 61;
const ROWS: usize = 16;

/// How many points of a way are drawn.
const STEPS: usize = 200;

/// Returns the map with the ways of the scenes, each drawn with its own letter.
pub(crate) fn draw(scenes: &[Scene]) -> String {
    let mut map = vec![vec![' '; COLUMNS]; ROWS];
    for (row, line) in map.iter_mut().enumerate() {
        for (column, character) in line.iter_mut().enumerate() {
            *character = ground(place_of(column, row));
        }
    }
    for (number, scene) in scenes.iter().enumerate() {
        let letter = letter(number);
        for step in 0..=STEPS {
            let (column, row) = square_of(along(&scene.way_m, step as f64 / STEPS as f64));
            map[row][column] = letter;
        }
    }
    let edge = format!("  +{}+\n", "-".repeat(COLUMNS));
    let lines = map.iter().map(|line| format!("  |{}|\n", line.iter().collect::<String>()));
    format!("{edge}{}{edge}", lines.collect::<String>())
}

/// Returns the letter of the scene with a number.
pub(crate) fn letter(number: usize) -> char {
    char::from(b'a' + u8::try_from(number % 26).expect("it is below 26"))
}

fn ground((east_m, north_m): (f64, f64)) -> char {
    let ((west, south), (east, north)) = CORRIDOR_M;
    if (west..=east).contains(&east_m) && (south..=north).contains(&north_m) {
        return '=';
    }
    let from_hospital_m = (east_m - HOSPITAL_M.0).hypot(north_m - HOSPITAL_M.1);
    if from_hospital_m <= HOSPITAL_RADIUS_M { '+' } else { ' ' }
}

fn place_of(column: usize, row: usize) -> (f64, f64) {
    let east = column as f64 / (COLUMNS - 1) as f64;
    let north = 1.0 - row as f64 / (ROWS - 1) as f64;
    (east * EXTENT_M.0, north * EXTENT_M.1)
}

fn square_of((east_m, north_m): (f64, f64)) -> (usize, usize) {
    let east = (east_m / EXTENT_M.0).clamp(0.0, 1.0);
    let south = 1.0 - (north_m / EXTENT_M.1).clamp(0.0, 1.0);
    ((east * (COLUMNS - 1) as f64).round() as usize, (south * (ROWS - 1) as f64).round() as usize)
}

/// Returns the place after a share of the legs of a way; a way of one point stays there.
fn along(way_m: &[(f64, f64)], share: f64) -> (f64, f64) {
    let legs = way_m.len() - 1;
    let leg = ((share * legs as f64) as usize).min(legs.saturating_sub(1));
    let (from, to) = (way_m[leg], way_m[(leg + 1).min(legs)]);
    let within = share * legs as f64 - leg as f64;
    (from.0 + within * (to.0 - from.0), from.1 + within * (to.1 - from.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_hospital_and_the_corridor() {
        let map = draw(&[]);

        assert_eq!(map.lines().count(), ROWS + 2);
        assert!(map.contains('+') && map.contains("==="));
    }

    #[test]
    fn goes_from_the_first_point_to_the_last() {
        let way_m = [(0.0, 0.0), (10.0, 0.0), (10.0, 20.0)];

        assert_eq!(along(&way_m, 0.0), (0.0, 0.0));
        assert_eq!(along(&way_m, 0.5), (10.0, 0.0));
        assert_eq!(along(&way_m, 1.0), (10.0, 20.0));
        assert_eq!(along(&way_m[..1], 0.7), (0.0, 0.0));
    }
}
