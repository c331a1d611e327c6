//! The scopes of the standards and of the auxiliary API (`Authority` in their descriptions), and sets
//! of them.

/// What a token may open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Scope {
    /// `utm.strategic_coordination`.
    StrategicCoordination,
    /// `utm.conformance_monitoring_sa`.
    ConformanceMonitoringForSituationalAwareness,
    /// `utm.constraint_management`.
    ConstraintManagement,
    /// `utm.constraint_processing`.
    ConstraintProcessing,
    /// `utm.availability_arbitration`.
    AvailabilityArbitration,
    /// `dss.read.identification_service_areas` (F3411-19).
    ReadIdentificationServiceAreas,
    /// `dss.write.identification_service_areas` (F3411-19).
    WriteIdentificationServiceAreas,
    /// `rid.display_provider` (F3411-22a).
    DisplayProvider,
    /// `rid.service_provider` (F3411-22a).
    ServiceProvider,
    /// `interuss.pool_status.read`.
    PoolStatusRead,
    /// `interuss.pool_status.heartbeat.write`.
    PoolStatusHeartbeatWrite,
    /// `interuss.versioning.read_system_versions`.
    ReadSystemVersions,
}

/// The scopes of one token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u32);

impl Scope {
    /// Every scope known here.
    pub const ALL: [Scope; 12] = [
        Scope::StrategicCoordination,
        Scope::ConformanceMonitoringForSituationalAwareness,
        Scope::ConstraintManagement,
        Scope::ConstraintProcessing,
        Scope::AvailabilityArbitration,
        Scope::ReadIdentificationServiceAreas,
        Scope::WriteIdentificationServiceAreas,
        Scope::DisplayProvider,
        Scope::ServiceProvider,
        Scope::PoolStatusRead,
        Scope::PoolStatusHeartbeatWrite,
        Scope::ReadSystemVersions,
    ];

    /// Returns the scope as tokens write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::StrategicCoordination => "utm.strategic_coordination",
            Scope::ConformanceMonitoringForSituationalAwareness => "utm.conformance_monitoring_sa",
            Scope::ConstraintManagement => "utm.constraint_management",
            Scope::ConstraintProcessing => "utm.constraint_processing",
            Scope::AvailabilityArbitration => "utm.availability_arbitration",
            Scope::ReadIdentificationServiceAreas => "dss.read.identification_service_areas",
            Scope::WriteIdentificationServiceAreas => "dss.write.identification_service_areas",
            Scope::DisplayProvider => "rid.display_provider",
            Scope::ServiceProvider => "rid.service_provider",
            Scope::PoolStatusRead => "interuss.pool_status.read",
            Scope::PoolStatusHeartbeatWrite => "interuss.pool_status.heartbeat.write",
            Scope::ReadSystemVersions => "interuss.versioning.read_system_versions",
        }
    }

    const fn bit(self) -> u32 {
        1 << self as u8
    }
}

impl Scopes {
    /// Returns the known scopes of a `scope` claim (RFC 6749, section 3.3); others open nothing here.
    pub fn parse(claim: &str) -> Self {
        let mut scopes = Scopes::default();
        for word in claim.split(' ') {
            if let Some(scope) = Scope::ALL.into_iter().find(|scope| scope.as_str() == word) {
                scopes.0 |= scope.bit();
            }
        }
        scopes
    }

    /// Tells whether the scope is among them.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Tells whether they hold every scope of at least one of the alternatives.
    pub fn satisfy(self, alternatives: &[&[Scope]]) -> bool {
        alternatives.iter().any(|all| all.iter().all(|scope| self.contains(*scope)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_space_separated_list() {
        let scopes = Scopes::parse("openid utm.constraint_processing utm.strategic_coordination");

        assert!(scopes.contains(Scope::ConstraintProcessing));
        assert!(scopes.contains(Scope::StrategicCoordination));
        assert!(!scopes.contains(Scope::ConstraintManagement));
    }

    #[test]
    fn reads_each_scope_as_it_is_written() {
        for scope in Scope::ALL {
            let scopes = Scopes::parse(scope.as_str());

            let contained = Scope::ALL.into_iter().filter(|scope| scopes.contains(*scope));
            assert_eq!(contained.collect::<Vec<_>>(), [scope]);
        }
    }

    #[test]
    fn finds_nothing_in_an_empty_or_foreign_claim() {
        assert_eq!(Scopes::parse(""), Scopes::default());
        assert_eq!(Scopes::parse("utm.constraint_processing.more"), Scopes::default());
        assert_eq!(Scopes::parse("UTM.CONSTRAINT_PROCESSING"), Scopes::default());
    }

    #[test]
    fn needs_every_scope_of_one_alternative() {
        let alternatives: &[&[Scope]] = &[
            &[Scope::AvailabilityArbitration],
            &[Scope::StrategicCoordination, Scope::ConstraintProcessing],
        ];

        assert!(Scopes::parse("utm.availability_arbitration").satisfy(alternatives));
        assert!(!Scopes::parse("utm.strategic_coordination").satisfy(alternatives));
        assert!(
            Scopes::parse("utm.strategic_coordination utm.constraint_processing")
                .satisfy(alternatives)
        );
        assert!(!Scopes::default().satisfy(alternatives));
    }
}
