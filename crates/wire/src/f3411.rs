//! What F3411-19 and F3411-22a share: searches by an outline, who must be notified, and the frame
//! of the answers.

use airspace::{Footprint, RemoteIdVersion, Search, UssBaseUrl};
use spacetime::{Area, AreaError, LatLng, VERTICES_MAX};

use crate::base_url::{BaseUrlError, Schemes};
use crate::f3411_19;
use crate::f3548::common::Volume4D;
use crate::f3548::volumes::{self, VolumeError};
use crate::json::JsonError;
use crate::period::{self, EndsBeforeStart, PeriodOf};
use crate::rfc3339::{Rfc3339, Rfc3339Error};

pub mod identification_service_areas;
pub mod subscribers;
pub mod subscriptions;

/// What a put needs besides its body; `Id` is the id of an entity or of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutTarget<Id> {
    /// Which one.
    pub id: Id,
    /// The version that the caller believes current; `None` creates.
    pub version: Option<RemoteIdVersion>,
}

/// A put is malformed; the text begins with the field's name.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParseError {
    /// It is not the JSON of the message.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Its volume, written as F3411-19 says, is malformed.
    #[error("extents.{0}")]
    Extents19(#[from] f3411_19::volumes::VolumeError),
    /// Its volume, written as F3411-22a says, is malformed.
    #[error("extents.{0}")]
    Extents22a(#[from] VolumeError),
    /// Where to ask or to notify is no URL to which a path can be appended.
    #[error("{field}: {error}")]
    Url {
        /// Which field.
        field: &'static str,
        /// What is wrong with it.
        error: BaseUrlError,
    },
}

/// What a search asks for, each parameter of the query percent-decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchParameters<'a> {
    /// The outline of an area: `lat,lng,lat,lng,lat,lng` and so on.
    pub area: Option<&'a str>,
    /// What ends before this time is not asked for. Searches of subscriptions have no times.
    pub earliest_time: Option<&'a str>,
    /// What starts after this time is not asked for.
    pub latest_time: Option<&'a str>,
}

/// A search is malformed; the text begins with the parameter's name.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SearchError {
    /// There is no area.
    #[error("area: it must be given")]
    AreaMissing,
    /// The last latitude has no longitude.
    #[error("area: every latitude needs a longitude, but there are {count} numbers")]
    OddCount {
        /// How many there are.
        count: usize,
    },
    /// The outline has too many vertices.
    #[error("area: it has {count} points, at most {VERTICES_MAX} are allowed")]
    TooManyPoints {
        /// How many there are.
        count: usize,
    },
    /// A part between commas is no number.
    #[error("area: part {index}, counted from 0, is not a number")]
    Number {
        /// Which, from 0.
        index: usize,
    },
    /// The points are no outline, or one of an area that is too large.
    #[error("area: {0}")]
    Area(#[from] AreaError),
    /// A time is none.
    #[error("{parameter}: {error}")]
    Time {
        /// Which.
        parameter: &'static str,
        /// What is wrong with it.
        error: Rfc3339Error,
    },
    /// The latest time is before the earliest.
    #[error("latest_time: it is before earliest_time")]
    EndsBeforeStart,
}

impl ParseError {
    /// Tells whether the put is well-formed but its area is too large.
    pub fn is_area_too_large(&self) -> bool {
        match self {
            ParseError::Extents19(error) => error.is_too_large(),
            ParseError::Extents22a(error) => error.is_too_large(),
            ParseError::Json(_) | ParseError::Url { .. } => false,
        }
    }
}

impl SearchError {
    /// Tells whether the search is well-formed but its area is too large.
    pub fn is_too_large(&self) -> bool {
        matches!(self, SearchError::Area(error) if error.is_too_large())
    }
}

/// Returns what a search asks for.
///
/// Both times may be left out, although F3411-22a demands them: clients do so.
pub fn parse_search(parameters: &SearchParameters<'_>) -> Result<Footprint, SearchError> {
    let area = parse_area(parameters.area.ok_or(SearchError::AreaMissing)?)?;
    let earliest = parse_time("earliest_time", parameters.earliest_time)?;
    let latest = parse_time("latest_time", parameters.latest_time)?;
    let (starts_at, ends_at) = period::widen(earliest, latest, PeriodOf::Search)
        .map_err(|EndsBeforeStart| SearchError::EndsBeforeStart)?;
    Ok(Footprint { starts_at, ends_at, cells: area.cells()? })
}

/// Returns where and when a volume of F3411-22a is; its altitudes are checked and left out.
pub(crate) fn footprint_of(volume: &Volume4D, of: PeriodOf) -> Result<Footprint, VolumeError> {
    let Search { starts_at, ends_at, cells, .. } = volumes::search_of(volume, of)?;
    Ok(Footprint { starts_at, ends_at, cells })
}

/// Checks that `url` is one to which a path can be appended.
pub(crate) fn check_url(
    field: &'static str,
    url: &UssBaseUrl,
    schemes: Schemes,
) -> Result<(), ParseError> {
    schemes.check(url).map_err(|error| ParseError::Url { field, error })
}

/// Returns the area that a `GeoPolygonString` outlines; white space around a number is ignored.
fn parse_area(text: &str) -> Result<Area, SearchError> {
    let count = text.split(',').count();
    if count % 2 == 1 {
        return Err(SearchError::OddCount { count });
    }
    if VERTICES_MAX < count / 2 {
        return Err(SearchError::TooManyPoints { count: count / 2 });
    }
    let mut numbers = Vec::with_capacity(count);
    for (index, part) in text.split(',').enumerate() {
        numbers.push(part.trim().parse().map_err(|_| SearchError::Number { index })?);
    }
    let mut vertices = Vec::with_capacity(count / 2);
    for point in numbers.chunks_exact(2) {
        vertices.push(LatLng::new(point[0], point[1])?);
    }
    Ok(spacetime::Polygon::new(vertices)?.into())
}

fn parse_time(parameter: &'static str, text: Option<&str>) -> Result<Option<Rfc3339>, SearchError> {
    let read = |text| Rfc3339::parse(text).map_err(|error| SearchError::Time { parameter, error });
    text.map(read).transpose()
}
