//! One member of a cluster, and the calls that it answers.

use std::time::Duration;

use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use crate::error::CallError;
use crate::messages::auth_client::AuthClient;
use crate::messages::cluster_client::ClusterClient;
use crate::messages::kv_client::KvClient;
use crate::messages::maintenance_client::MaintenanceClient;
use crate::messages::{
    AlarmRequest, AlarmResponse, AuthEnableRequest, AuthResponse, AuthRoleAddRequest,
    AuthRoleDeleteRequest, AuthRoleGetRequest, AuthRoleGetResponse, AuthRoleGrantPermissionRequest,
    AuthStatusRequest, AuthStatusResponse, AuthUserAddRequest, AuthUserDeleteRequest,
    AuthUserGetRequest, AuthUserGetResponse, AuthUserGrantRoleRequest, AuthUserListRequest,
    AuthUserListResponse, CompactionRequest, CompactionResponse, DefragmentRequest,
    DefragmentResponse, DeleteRangeRequest, DeleteRangeResponse, MemberListRequest,
    MemberListResponse, RangeRequest, RangeResponse, StatusRequest, StatusResponse, TxnRequest,
    TxnResponse,
};

/// How many bytes an answer may have; etcd takes requests of 1.5 MiB, and fragments of a watch are
/// not larger than one event and what fits beside it.
pub const ANSWER_BYTES_MAX: usize = 8 << 20;

/// One member of a cluster; clones share its connection.
#[derive(Clone, Debug)]
pub struct Member {
    url: String,
    channel: Channel,
}

impl Member {
    pub(crate) fn new(url: &str, channel: Channel) -> Self {
        Member { url: url.to_owned(), channel }
    }

    /// Returns its base URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Reads keys; linearizable unless the request says `serializable`.
    pub async fn range(
        &self,
        request: RangeRequest,
        within: Duration,
    ) -> Result<RangeResponse, CallError> {
        let mut client = KvClient::new(self.channel()).max_decoding_message_size(ANSWER_BYTES_MAX);
        self.answer(within, client.range(timed(request, within))).await
    }

    /// Compares and then reads or writes, at one revision.
    pub async fn txn(
        &self,
        request: TxnRequest,
        within: Duration,
    ) -> Result<TxnResponse, CallError> {
        let mut client = KvClient::new(self.channel()).max_decoding_message_size(ANSWER_BYTES_MAX);
        self.answer(within, client.txn(timed(request, within))).await
    }

    /// Deletes keys: a hub never does, tests do, and whoever wants a hub set aside.
    pub async fn delete_range(
        &self,
        request: DeleteRangeRequest,
        within: Duration,
    ) -> Result<DeleteRangeResponse, CallError> {
        let mut client = KvClient::new(self.channel());
        self.answer(within, client.delete_range(timed(request, within))).await
    }

    /// Forgets all versions of keys that were replaced at a revision or before.
    pub async fn compact(
        &self,
        request: CompactionRequest,
        within: Duration,
    ) -> Result<CompactionResponse, CallError> {
        let mut client = KvClient::new(self.channel());
        self.answer(within, client.compact(timed(request, within))).await
    }

    /// Returns how the member is; it answers even without a leader.
    pub async fn status(&self, within: Duration) -> Result<StatusResponse, CallError> {
        let mut client = MaintenanceClient::new(self.channel());
        self.answer(within, client.status(timed(StatusRequest {}, within))).await
    }

    /// Returns or changes the alarms of the cluster.
    pub async fn alarm(
        &self,
        request: AlarmRequest,
        within: Duration,
    ) -> Result<AlarmResponse, CallError> {
        let mut client = MaintenanceClient::new(self.channel());
        self.answer(within, client.alarm(timed(request, within))).await
    }

    /// Has the member give the room back to the disk that compacted versions had; it answers nothing
    /// else meanwhile. A hub never does; tests do what an operator does with `etcdctl`.
    pub async fn defragment(&self, within: Duration) -> Result<DefragmentResponse, CallError> {
        let mut client = MaintenanceClient::new(self.channel());
        self.answer(within, client.defragment(timed(DefragmentRequest {}, within))).await
    }

    /// Lists the members of the cluster.
    pub async fn member_list(&self, within: Duration) -> Result<MemberListResponse, CallError> {
        let mut client = ClusterClient::new(self.channel());
        let request = MemberListRequest { linearizable: true };
        self.answer(within, client.member_list(timed(request, within))).await
    }

    /// Tells whether users are told apart.
    pub async fn auth_status(&self, within: Duration) -> Result<AuthStatusResponse, CallError> {
        let mut client = AuthClient::new(self.channel());
        self.answer(within, client.auth_status(timed(AuthStatusRequest {}, within))).await
    }

    /// Has users told apart from now on.
    pub async fn auth_enable(&self, within: Duration) -> Result<AuthResponse, CallError> {
        let mut client = AuthClient::new(self.channel());
        self.answer(within, client.auth_enable(timed(AuthEnableRequest {}, within))).await
    }

    /// Adds a user.
    pub async fn user_add(
        &self,
        request: AuthUserAddRequest,
        within: Duration,
    ) -> Result<AuthResponse, CallError> {
        let mut client = AuthClient::new(self.channel());
        self.answer(within, client.user_add(timed(request, within))).await
    }

    /// Removes a user.
    pub async fn user_delete(
        &self,
        request: AuthUserDeleteRequest,
        within: Duration,
    ) -> Result<AuthResponse, CallError> {
        let mut client = AuthClient::new(self.channel());
        self.answer(within, client.user_delete(timed(request, within))).await
    }

    /// Returns the roles of a user.
    pub async fn user_get(
        &self,
        request: AuthUserGetRequest,
        within: Duration,
    ) -> Result<AuthUserGetResponse, CallError> {
        let mut client = AuthClient::new(self.channel());
        self.answer(within, client.user_get(timed(request, within))).await
    }

    /// Lists the users.
    pub async fn user_list(&self, within: Duration) -> Result<AuthUserListResponse, CallError> {
        let mut client = AuthClient::new(self.channel());
        self.answer(within, client.user_list(timed(AuthUserListRequest {}, within))).await
    }

    /// Gives a user a role.
    pub async fn user_grant_role(
        &self,
        request: AuthUserGrantRoleRequest,
        within: Duration,
    ) -> Result<AuthResponse, CallError> {
        let mut client = AuthClient::new(self.channel());
        self.answer(within, client.user_grant_role(timed(request, within))).await
    }

    /// Adds a role.
    pub async fn role_add(
        &self,
        request: AuthRoleAddRequest,
        within: Duration,
    ) -> Result<AuthResponse, CallError> {
        let mut client = AuthClient::new(self.channel());
        self.answer(within, client.role_add(timed(request, within))).await
    }

    /// Removes a role, from its users too.
    pub async fn role_delete(
        &self,
        request: AuthRoleDeleteRequest,
        within: Duration,
    ) -> Result<AuthResponse, CallError> {
        let mut client = AuthClient::new(self.channel());
        self.answer(within, client.role_delete(timed(request, within))).await
    }

    /// Returns what a role may read and write.
    pub async fn role_get(
        &self,
        request: AuthRoleGetRequest,
        within: Duration,
    ) -> Result<AuthRoleGetResponse, CallError> {
        let mut client = AuthClient::new(self.channel());
        self.answer(within, client.role_get(timed(request, within))).await
    }

    /// Lets a role read or write keys.
    pub async fn role_grant_permission(
        &self,
        request: AuthRoleGrantPermissionRequest,
        within: Duration,
    ) -> Result<AuthResponse, CallError> {
        let mut client = AuthClient::new(self.channel());
        self.answer(within, client.role_grant_permission(timed(request, within))).await
    }

    async fn answer<T>(
        &self,
        within: Duration,
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, CallError> {
        match tokio::time::timeout(within, call).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(CallError::of(&self.url, &status)),
            Err(_) => Err(CallError::Unanswered {
                url: self.url.clone(),
                why: format!("no answer in {} ms", within.as_millis()),
            }),
        }
    }
}

/// Has etcd give up too when nobody waits any more.
fn timed<T>(message: T, within: Duration) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(within);
    request
}
