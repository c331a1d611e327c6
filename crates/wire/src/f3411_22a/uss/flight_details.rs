//! Who flies, from the service provider of the flight (F3411-22a).

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use crate::f3411_22a::uss::flight_id::RidFlightId;
use crate::f3411_22a::uss::quantity::{self, Latitude, Longitude};
use crate::f3548::common::{Altitude, LatLngPoint};
use crate::f3548::volumes::{ALTITUDE_M_MAX, ALTITUDE_M_MIN};
use crate::text;

/// The greatest number of a format of authentication data.
pub const AUTH_FORMAT_MAX: u8 = 15;

/// Answers with the details of a flight (`GetFlightDetailsResponse`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GetFlightDetailsResponse {
    /// What there is.
    pub details: RidFlightDetails,
}

/// Who flies and what for (`RIDFlightDetails`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RidFlightDetails {
    /// Which flight.
    #[serde(with = "text::required")]
    pub id: RidFlightId,
    /// How the European Union classifies it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eu_classification: Option<UaClassificationEu>,
    /// What the aircraft is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uas_id: Option<UasId>,
    /// The registration of the operator, such as `N.OP123456`; empty if it is not given.
    #[serde(default, deserialize_with = "text::null_is_default")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub operator_id: String,
    /// Where the pilot is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_location: Option<OperatorLocation>,
    /// What the flight is for; empty if it is not given.
    #[serde(default, deserialize_with = "text::null_is_default")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub operation_description: String,
    /// What proves this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_data: Option<RidAuthData>,
}

/// What an aircraft is called (`UASID`); at least one name should be given, an empty one is not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UasId {
    /// The serial number, as CTA-2063-A writes it.
    #[serde(default, deserialize_with = "text::null_is_default")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub serial_number: String,
    /// The registration, such as `N.123456`.
    #[serde(default, deserialize_with = "text::null_is_default")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub registration_id: String,
    /// What UTM calls it for this flight.
    #[serde(default, deserialize_with = "text::null_is_default")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub utm_id: String,
    /// What a registrar calls it for this flight, up to 20 bytes in hexadecimal.
    #[serde(default, deserialize_with = "text::null_is_default")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub specific_session_id: String,
}

/// Where the pilot is (`OperatorLocation`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperatorLocation {
    /// Where.
    #[serde(deserialize_with = "point")]
    pub position: LatLngPoint,
    /// How high.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(deserialize_with = "altitude")]
    pub altitude: Option<Altitude>,
    /// How the altitude is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub altitude_type: Option<AltitudeType>,
}

/// How the altitude of a pilot is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AltitudeType {
    /// It is where the aircraft took off.
    Takeoff,
    /// It is measured over and over.
    Dynamic,
    /// It was entered.
    Fixed,
}

/// How the European Union classifies an aircraft (`UAClassificationEU`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UaClassificationEu {
    /// Which category the flight is of.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub category: UaCategoryEu,
    /// Which class the aircraft is of.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub class: UaClassEu,
}

/// A category of the European Union.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum UaCategoryEu {
    /// Nobody says.
    #[default]
    #[serde(rename = "EUCategoryUndefined")]
    Undefined,
    /// Of low risk.
    Open,
    /// Of a risk that is assessed.
    Specific,
    /// Of a risk as with manned aircraft.
    Certified,
}

/// A class of the European Union.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum UaClassEu {
    /// Nobody says.
    #[default]
    #[serde(rename = "EUClassUndefined")]
    Undefined,
    /// C0.
    Class0,
    /// C1.
    Class1,
    /// C2.
    Class2,
    /// C3.
    Class3,
    /// C4.
    Class4,
    /// C5.
    Class5,
    /// C6.
    Class6,
}

/// Authentication data (`RIDAuthData`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RidAuthData {
    /// What form it has, up to [`AUTH_FORMAT_MAX`]; 0 is none.
    #[serde(default, deserialize_with = "auth_format")]
    pub format: u8,
    /// The data in that form.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub data: String,
}

fn point<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LatLngPoint, D::Error> {
    let point = LatLngPoint::deserialize(deserializer)?;
    quantity::check::<Latitude, D::Error>(point.lat)?;
    quantity::check::<Longitude, D::Error>(point.lng)?;
    Ok(point)
}

fn altitude<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Altitude>, D::Error> {
    let altitude: Option<Altitude> = Option::deserialize(deserializer)?;
    match altitude {
        Some(altitude) if !(ALTITUDE_M_MIN..=ALTITUDE_M_MAX).contains(&altitude.value) => {
            Err(D::Error::custom(format_args!(
                "its value is not between {ALTITUDE_M_MIN} and {ALTITUDE_M_MAX}"
            )))
        }
        _ => Ok(altitude),
    }
}

fn auth_format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let format: u8 = text::null_is_default(deserializer)?;
    if AUTH_FORMAT_MAX < format {
        return Err(D::Error::custom(format_args!("it is more than {AUTH_FORMAT_MAX}")));
    }
    Ok(format)
}
