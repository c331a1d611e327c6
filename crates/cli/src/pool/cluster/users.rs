//! The users of a pool's etcd: root, and one for each hub, who may write its own key and no other.

use std::collections::BTreeSet;

use etcd::CallError;
use etcd::messages::compare::{CompareResult, CompareTarget, TargetUnion};
use etcd::messages::permission::Type;
use etcd::messages::request_op::Request;
use etcd::messages::{
    AuthRoleAddRequest, AuthRoleDeleteRequest, AuthRoleGetRequest, AuthRoleGrantPermissionRequest,
    AuthUserAddRequest, AuthUserDeleteRequest, AuthUserGetRequest, AuthUserGrantRoleRequest,
    Compare, Permission, PutRequest, RequestOp, TxnRequest, UserAddOptions,
};
use log::pool::{EPOCH_KEY, GENESIS_KEY};
use pool::{HubId, KEY_PREFIX};

use super::{ANSWER_MAX, Cluster, KEYS_END, Purpose, failed};
use crate::failure::Failure;

/// The user that may do everything, and its role.
const ROOT: &str = "root";

impl Cluster {
    /// Adds root and the hubs' users, and has etcd tell users apart from then on.
    pub(super) async fn prepare_users(&self, purpose: &Purpose<'_>) -> Result<(), Failure> {
        let Purpose { hubs, tell, .. } = *purpose;
        let auth = self.member.auth_status(ANSWER_MAX).await.map_err(|error| failed(&error))?;
        self.check_users().await?;
        if auth.enabled {
            // Since then hubs may have been removed, and are not to come back so.
            return self.tell_users(purpose).await;
        }
        self.add_root().await?;
        for hub in hubs {
            let done = if self.add_user(hub).await? { "added" } else { "there" };
            tell(format_args!("user {hub}: {done}"))?;
        }
        self.member.auth_enable(ANSWER_MAX).await.map_err(|error| failed(&error))?;
        // From here on only root may ask this.
        self.check_users().await?;
        tell(format_args!("users: told apart from now on, by their certificates"))
    }

    async fn tell_users(&self, purpose: &Purpose<'_>) -> Result<(), Failure> {
        let Purpose { hubs, tell, .. } = *purpose;
        let users = self.users().await?;
        for hub in hubs.iter().filter(|hub| !users.contains(hub.as_str())) {
            tell(format_args!(
                "user {hub}: not there; if the hub was not removed: tansiq pool access grant {hub}"
            ))?;
        }
        let names: Vec<_> = users.iter().map(String::as_str).collect();
        tell(format_args!("users: told apart already: {}", names.join(", ")))
    }

    pub(super) async fn users(&self) -> Result<BTreeSet<String>, Failure> {
        let users = self.member.user_list(ANSWER_MAX).await.map_err(|error| failed(&error))?;
        Ok(users.users.into_iter().collect())
    }

    /// Refuses users of whom a pool knows nothing, or who may do more than a hub.
    async fn check_users(&self) -> Result<(), Failure> {
        for user in self.users().await? {
            let request = AuthUserGetRequest { name: user.clone() };
            let found = self.member.user_get(request, ANSWER_MAX).await;
            let roles = found.map_err(|error| failed(&error))?.roles;
            let may_be = match HubId::new(&user) {
                _ if user == ROOT => roles.iter().all(|role| role == ROOT),
                Ok(hub) => {
                    roles.iter().all(|role| *role == role_of(&hub))
                        && (roles.is_empty() || self.is_role_of(&hub).await?)
                }
                Err(_) => false,
            };
            if !may_be {
                return Err(Failure::Refused(format!(
                    "the user {user:?} of etcd is no hub's, or may do more than a hub: remove it \
                     (etcdctl user delete), or use an empty etcd"
                )));
            }
        }
        Ok(())
    }

    /// Tells whether the role that has the name of a hub's may do nothing more.
    async fn is_role_of(&self, hub: &HubId) -> Result<bool, Failure> {
        let request = AuthRoleGetRequest { role: role_of(hub) };
        let found = self.member.role_get(request, ANSWER_MAX).await.map_err(|e| failed(&e))?;
        let allowed = permissions_of(hub);
        Ok(found.perm.iter().all(|permission| allowed.contains(permission)))
    }

    async fn add_root(&self) -> Result<(), Failure> {
        let users = self.users().await?;
        if !users.contains(ROOT) {
            self.add_user_named(ROOT).await?;
        }
        self.grant_role(ROOT, ROOT).await
    }

    /// Adds what is not there yet of a hub's user and role; tells whether the user was not.
    pub(super) async fn add_user(&self, hub: &HubId) -> Result<bool, Failure> {
        let role = role_of(hub);
        let request = AuthRoleAddRequest { name: role.clone() };
        match self.member.role_add(request, ANSWER_MAX).await {
            Err(error) if !is_there_already(&error) => return Err(failed(&error)),
            Ok(_) | Err(_) => {}
        }
        for permission in permissions_of(hub) {
            let request =
                AuthRoleGrantPermissionRequest { name: role.clone(), perm: Some(permission) };
            let granted = self.member.role_grant_permission(request, ANSWER_MAX).await;
            granted.map_err(|error| failed(&error))?;
        }
        if !self.is_role_of(hub).await? {
            return Err(Failure::Refused(format!(
                "the role {role} of etcd may do more than a hub: remove it (etcdctl role delete \
                 {role}) and run this again"
            )));
        }
        let is_new = !self.users().await?.contains(hub.as_str());
        if is_new {
            self.add_user_named(hub.as_str()).await?;
        }
        self.grant_role(hub.as_str(), &role).await?;
        Ok(is_new)
    }

    /// Removes a hub's user and role; tells whether the user was there.
    pub(super) async fn remove_user(&self, hub: &HubId) -> Result<bool, Failure> {
        if !self.users().await?.contains(hub.as_str()) {
            return Ok(false);
        }
        let user = AuthUserDeleteRequest { name: hub.to_string() };
        self.member.user_delete(user, ANSWER_MAX).await.map_err(|error| failed(&error))?;
        let role = AuthRoleDeleteRequest { role: role_of(hub) };
        match self.member.role_delete(role, ANSWER_MAX).await {
            // Where granting was interrupted there is none.
            Err(CallError::Refused { .. }) | Ok(_) => Ok(true),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Refuses a user that may not write the hub's key, without writing anything.
    pub(super) async fn check_may_put(&self, hub: &HubId) -> Result<(), Failure> {
        let key = key_of(hub);
        // No key has this version: what would be put then is looked at, and never put.
        let never = Compare {
            result: CompareResult::Equal.into(),
            target: CompareTarget::Version.into(),
            key: key.clone().into(),
            target_union: Some(TargetUnion::Version(i64::MAX)),
        };
        let put = PutRequest { key: key.into(), value: Vec::new().into() };
        let request = TxnRequest {
            compare: vec![never],
            success: vec![RequestOp { request: Some(Request::RequestPut(put)) }],
            failure: Vec::new(),
        };
        match self.member.txn(request, ANSWER_MAX).await {
            Ok(_) => Ok(()),
            Err(CallError::Refused { why, .. }) => Err(Failure::Refused(format!(
                "etcd does not let this certificate write {}: its common name must be {hub}, and \
                 the user must have been let in (tansiq pool access grant {hub}); etcd says: {why}",
                key_of(hub)
            ))),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn add_user_named(&self, name: &str) -> Result<(), Failure> {
        let request = AuthUserAddRequest {
            name: name.to_owned(),
            password: String::new(),
            options: Some(UserAddOptions { no_password: true }),
        };
        self.member.user_add(request, ANSWER_MAX).await.map_err(|error| failed(&error))?;
        Ok(())
    }

    async fn grant_role(&self, user: &str, role: &str) -> Result<(), Failure> {
        let request = AuthUserGrantRoleRequest { user: user.to_owned(), role: role.to_owned() };
        self.member.user_grant_role(request, ANSWER_MAX).await.map_err(|error| failed(&error))?;
        Ok(())
    }
}

/// Returns what a hub may do: write its own key, and read what the pool is and all hubs' keys.
fn permissions_of(hub: &HubId) -> [Permission; 4] {
    let permission = |kind: Type, key: String, end: &str| Permission {
        perm_type: kind.into(),
        key: key.into(),
        range_end: end.to_owned().into(),
    };
    [
        permission(Type::Write, key_of(hub), ""),
        permission(Type::Read, KEY_PREFIX.to_owned(), KEYS_END),
        permission(Type::Read, GENESIS_KEY.to_owned(), ""),
        permission(Type::Read, EPOCH_KEY.to_owned(), ""),
    ]
}

pub(super) fn key_of(hub: &HubId) -> String {
    format!("{KEY_PREFIX}{hub}")
}

fn role_of(hub: &HubId) -> String {
    format!("hub-{hub}")
}

fn is_there_already(error: &CallError) -> bool {
    matches!(error, CallError::Refused { why, .. } if why.contains("already exists"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_a_hub_write_its_own_key_only() {
        let hub = HubId::new("alder-1").expect("a name");

        let permissions = permissions_of(&hub);
        let mut writing =
            permissions.iter().filter(|permission| permission.perm_type != i32::from(Type::Read));

        let own = writing.next().expect("it writes");
        assert_eq!((&own.key[..], &own.range_end[..]), (&b"log/alder-1"[..], &b""[..]));
        assert_eq!(writing.next(), None);
    }
}
