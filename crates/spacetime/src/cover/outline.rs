//! Coverings of outlines with what they enclose.

use s2::r3::vector::Vector;

use super::quad::{face_of, from_face, to_face};
use super::{Found, Quad, Rect};
use crate::area::AreaError;
use crate::cell::Cell;
use crate::orientation::{arcs_cross_given_sides, is_counterclockwise};
use crate::outline::Outline;

/// An edge that comes this near to a cell, in face coordinates, meets it. golang/geo's margins are
/// 10.6 and 17.2 units of the last place, depending on what else is near.
const MARGIN: f64 = 16.0 * f64::EPSILON;
/// Arcs with a larger angle are halved before they are projected to a face: its cosine.
const PIECE_COSINE_MIN: f64 = 0.965;
/// Where a piece may be projected to a face: no point of the face has a height below 0.577, and a
/// piece that starts below this height ends before it gets there.
const HEIGHT_MIN: f64 = 0.25;

/// Returns the cells that the outline or its interior meets.
pub(crate) fn cover(outline: &Outline) -> Result<Vec<Cell>, AreaError> {
    let mut descent = Descent { outline, segments: Vec::new(), found: Found::default() };
    match lone_face(outline) {
        Some(face) => descent.cover_face(face)?,
        None => {
            for face in 0..6 {
                descent.cover_face(face)?;
            }
        }
    }
    Ok(descent.found.0)
}

/// A part of an edge, on a face.
#[derive(Clone, Copy, Debug)]
struct Segment {
    edge: u32,
    from: (f64, f64),
    to: (f64, f64),
}

/// The middle of a cell, on its face and as a direction.
#[derive(Clone, Copy, Debug)]
struct Middle {
    on_face: (f64, f64),
    direction: Vector,
}

/// The middle of a cell, and whether it is inside.
#[derive(Clone, Copy, Debug)]
struct Known {
    middle: Middle,
    is_inside: bool,
}

struct Descent<'a> {
    outline: &'a Outline,
    /// A stack: the segments that meet a cell, then those of them that meet its child, and so on.
    segments: Vec<Segment>,
    found: Found,
}

impl Descent<'_> {
    /// Adds the cells on one face. A face that no edge meets is outside: whoever covers an outline
    /// has made sure that it is smaller than a face.
    fn cover_face(&mut self, face: u8) -> Result<(), AreaError> {
        self.segments.clear();
        for (index, (from, to)) in self.outline.edges().enumerate() {
            project(face, index as u32, (*from, *to), &mut self.segments);
        }
        let Some(bound) = bound(&self.segments) else {
            return Ok(());
        };
        let quad = Quad::around(face, &bound.grown(MARGIN));
        let middle = Middle::of(quad);
        let is_inside = self.outline.contains(&middle.direction);
        self.descend(quad, 0, Known { middle, is_inside })
    }

    /// Adds the cells inside `quad`, which the segments from `first` on meet, given its middle.
    fn descend(&mut self, quad: Quad, first: usize, known: Known) -> Result<(), AreaError> {
        if quad.is_final() {
            return self.found.push(quad);
        }
        for child in quad.children() {
            let end = self.segments.len();
            let bounds = child.rect().grown(MARGIN);
            if child.is_final() && self.segments[first..end].iter().any(|s| s.meets(&bounds)) {
                self.found.push(child)?;
                continue;
            }
            for at in first..end {
                let segment = self.segments[at];
                if segment.meets(&bounds) {
                    self.segments.push(segment);
                }
            }
            let middle = Middle::of(child);
            let is_inside = self.is_inside(&middle, known, &self.segments[first..end]);
            if end < self.segments.len() {
                self.descend(child, end, Known { middle, is_inside })?;
                self.segments.truncate(end);
            } else if is_inside {
                self.found.push(child)?;
            }
        }
        Ok(())
    }

    /// Tells whether the middle of a cell is inside, given another one and the edges that may be
    /// between them.
    fn is_inside(&self, middle: &Middle, known: Known, between: &[Segment]) -> bool {
        let way = Rect::between(known.middle.on_face, middle.on_face).grown(MARGIN);
        let (here, there) = (&known.middle.direction, &middle.direction);
        let mut is_inside = known.is_inside;
        let mut last = None;
        for segment in between {
            // The pieces of one edge are next to one another, and the whole edge is asked once.
            if last == Some(segment.edge) || !segment.meets(&way) {
                continue;
            }
            last = Some(segment.edge);
            let (from, to) = self.outline.edge(segment.edge as usize);
            let to_is_left = is_counterclockwise(here, there, to);
            if is_counterclockwise(here, there, from) != to_is_left
                && arcs_cross_given_sides(here, there, from, to, to_is_left)
            {
                is_inside = !is_inside;
            }
        }
        is_inside
    }
}

impl Middle {
    fn of(quad: Quad) -> Self {
        let on_face = quad.rect().middle();
        Middle { on_face, direction: from_face(quad.face, on_face).normalize() }
    }
}

impl Segment {
    /// Tells whether the segment meets the rectangle.
    fn meets(&self, rect: &Rect) -> bool {
        let ((u0, v0), (u1, v1)) = (self.from, self.to);
        if u0.max(u1) < rect.u[0]
            || rect.u[1] < u0.min(u1)
            || v0.max(v1) < rect.v[0]
            || rect.v[1] < v0.min(v1)
        {
            return false;
        }
        // The line through the segment separates them, or it does not.
        let (middle_u, middle_v) = rect.middle();
        let (normal_u, normal_v) = (v1 - v0, u0 - u1);
        let reach =
            normal_u.abs() * (rect.u[1] - middle_u) + normal_v.abs() * (rect.v[1] - middle_v);
        (normal_u * (middle_u - u0) + normal_v * (middle_v - v0)).abs() <= reach
    }
}

/// Returns the face that holds the whole outline, if it does not come near the border of one.
fn lone_face(outline: &Outline) -> Option<u8> {
    let face = face_of(&outline.points()[0]);
    let is_on_face = |point: &Vector| {
        let (u, v, w) = to_face(face, point);
        u.abs().max(v.abs()) < w * (1.0 - 4.0 * MARGIN)
    };
    outline.points().iter().all(is_on_face).then_some(face)
}

/// Adds the pieces of an edge that may meet a face.
fn project(face: u8, edge: u32, (from, to): (Vector, Vector), segments: &mut Vec<Segment>) {
    if from.dot(&to) < PIECE_COSINE_MIN {
        let half = (from + to).normalize();
        project(face, edge, (from, half), segments);
        project(face, edge, (half, to), segments);
        return;
    }
    let (u0, v0, w0) = to_face(face, &from);
    let (u1, v1, w1) = to_face(face, &to);
    if w0 < HEIGHT_MIN || w1 < HEIGHT_MIN {
        return;
    }
    let segment = Segment { edge, from: (u0 / w0, v0 / w0), to: (u1 / w1, v1 / w1) };
    if segment.meets(&Rect { u: [-1.0, 1.0], v: [-1.0, 1.0] }.grown(MARGIN)) {
        segments.push(segment);
    }
}

/// Returns the bounds of the segments, if there are any.
fn bound(segments: &[Segment]) -> Option<Rect> {
    let rects = segments.iter().map(|segment| Rect::between(segment.from, segment.to));
    rects.reduce(|a, b| Rect {
        u: [a.u[0].min(b.u[0]), a.u[1].max(b.u[1])],
        v: [a.v[0].min(b.v[0]), a.v[1].max(b.v[1])],
    })
}
