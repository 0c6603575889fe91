//! Everything that can be written down, by name.

/// What happened. The name is what tables, exports and the console's pages hold, and never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuditKind {
    /// A customer took back that an address must not be written to.
    AddressOptedIn,
    /// A customer said, from an address, that it must not be written to.
    AddressOptedOut,
    /// An API key was made.
    ApiKeyCreated,
    /// An API key was taken back.
    ApiKeyRevoked,
    /// A customer allowed messages of a purpose.
    ConsentGranted,
    /// A customer took a consent back.
    ConsentRevoked,
    /// A customer's keys were destroyed.
    CustomerErased,
    /// A person asked for two customers to become one.
    CustomerMergeAsked,
    /// Two customers became one.
    CustomerMerged,
    /// A person read a customer's page.
    CustomerRead,
    /// A person had a delivery planned again, on evidence that it did not arrive.
    DeliveryPlannedAgain,
    /// A person settled a delivery, on evidence that it arrived.
    DeliverySettledAccepted,
    /// A person settled a delivery, on evidence that it did not arrive.
    DeliverySettledNotAccepted,
    /// Nobody can say whether a delivery was accepted: the answer was lost.
    DeliveryUnknown,
    /// A passage through a journey ended.
    EnrollmentEnded,
    /// A passage reached its goal.
    EnrollmentGoal,
    /// A passage through a journey began.
    EnrollmentStarted,
    /// A person let a copied or restored database send again.
    HeldReleased,
    /// A person read what the development inbox keeps.
    InboxRead,
    /// A person took messages out of the log.
    LogExported,
    /// A person looked for the messages of somebody, or to an address.
    LogSearched,
    /// An attempt at a delivery ended, in whatever way.
    MessageAttempted,
    /// A planned message was taken back.
    MessageCancelled,
    /// A message's final bytes were kept, to be handed over.
    MessageHandingOver,
    /// A message was decided not to be sent, at planning.
    MessageNotSent,
    /// A message was planned.
    MessagePlanned,
    /// A message was set aside after attempts that ended without an answer.
    MessageQuarantined,
    /// A person read all about a message but its content: to whom it went.
    MessageRead,
    /// A message was decided not to be sent, at the door.
    MessageSuppressed,
    /// A person had a test message sent.
    MessageTest,
    /// A notice to the team was mailed, or could not be.
    NoticeMailed,
    /// A person announced that the database moves to another machine.
    MoveAnnounced,
    /// A person who may sign in was added or changed.
    OperatorChanged,
    /// A person signed in.
    OperatorSignedIn,
    /// A person read a message's content.
    RecordViewed,
    /// A person had a rejected event taken in again.
    RejectedReplayed,
    /// A release went live.
    ReleaseDeployed,
    /// An earlier release went live again.
    ReleaseRolledBack,
    /// A person let messages leave this machine.
    SendingReleased,
    /// A person took that back.
    SendingReleaseWithdrawn,
    /// A person ended a stop.
    SendingResumed,
    /// A person stopped sending.
    SendingStopped,
}

impl AuditKind {
    /// All of them, in the order of their names.
    pub const ALL: &[Self] = &[
        Self::AddressOptedIn,
        Self::AddressOptedOut,
        Self::ApiKeyCreated,
        Self::ApiKeyRevoked,
        Self::ConsentGranted,
        Self::ConsentRevoked,
        Self::CustomerErased,
        Self::CustomerMergeAsked,
        Self::CustomerMerged,
        Self::CustomerRead,
        Self::DeliveryPlannedAgain,
        Self::DeliverySettledAccepted,
        Self::DeliverySettledNotAccepted,
        Self::DeliveryUnknown,
        Self::EnrollmentEnded,
        Self::EnrollmentGoal,
        Self::EnrollmentStarted,
        Self::HeldReleased,
        Self::InboxRead,
        Self::LogExported,
        Self::LogSearched,
        Self::MessageAttempted,
        Self::MessageCancelled,
        Self::MessageHandingOver,
        Self::MessageNotSent,
        Self::MessagePlanned,
        Self::MessageQuarantined,
        Self::MessageRead,
        Self::MessageSuppressed,
        Self::MessageTest,
        Self::MoveAnnounced,
        Self::NoticeMailed,
        Self::OperatorChanged,
        Self::OperatorSignedIn,
        Self::RecordViewed,
        Self::RejectedReplayed,
        Self::ReleaseDeployed,
        Self::ReleaseRolledBack,
        Self::SendingReleased,
        Self::SendingReleaseWithdrawn,
        Self::SendingResumed,
        Self::SendingStopped,
    ];

    /// Its name, as stored and shown: `message.planned`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AddressOptedIn => "address.opted_in",
            Self::AddressOptedOut => "address.opted_out",
            Self::ApiKeyCreated => "api_key.created",
            Self::ApiKeyRevoked => "api_key.revoked",
            Self::ConsentGranted => "consent.granted",
            Self::ConsentRevoked => "consent.revoked",
            Self::CustomerErased => "customer.erased",
            Self::CustomerMergeAsked => "customer.merge_asked",
            Self::CustomerMerged => "customer.merged",
            Self::CustomerRead => "customer.read",
            Self::DeliveryPlannedAgain => "delivery.planned_again_by_hand",
            Self::DeliverySettledAccepted => "delivery.settled_as_accepted",
            Self::DeliverySettledNotAccepted => "delivery.settled_as_not_accepted",
            Self::DeliveryUnknown => "delivery.unknown",
            Self::EnrollmentEnded => "enrollment.ended",
            Self::EnrollmentGoal => "enrollment.goal",
            Self::EnrollmentStarted => "enrollment.started",
            Self::HeldReleased => "held.released",
            Self::InboxRead => "inbox.read",
            Self::LogExported => "log.exported",
            Self::LogSearched => "log.searched",
            Self::MessageAttempted => "message.attempted",
            Self::MessageCancelled => "message.cancelled",
            Self::MessageHandingOver => "message.handing_over",
            Self::MessageNotSent => "message.not_sent",
            Self::MessagePlanned => "message.planned",
            Self::MessageQuarantined => "message.quarantined",
            Self::MessageRead => "message.read",
            Self::MessageSuppressed => "message.suppressed",
            Self::MessageTest => "message.test",
            Self::MoveAnnounced => "instance.move_announced",
            Self::NoticeMailed => "notice.mailed",
            Self::OperatorChanged => "operator.changed",
            Self::OperatorSignedIn => "operator.signed_in",
            Self::RecordViewed => "record.viewed",
            Self::RejectedReplayed => "rejected.replayed",
            Self::ReleaseDeployed => "release.deployed",
            Self::ReleaseRolledBack => "release.rolled_back",
            Self::SendingReleased => "sending.released",
            Self::SendingReleaseWithdrawn => "sending.release_withdrawn",
            Self::SendingResumed => "sending.resumed",
            Self::SendingStopped => "sending.stopped",
        }
    }

    /// Whether it is something that a person did, or had done: the history of acts holds it, and the record says who.
    pub const fn is_act(self) -> bool {
        matches!(
            self,
            Self::ApiKeyCreated
                | Self::ApiKeyRevoked
                | Self::CustomerErased
                | Self::CustomerMergeAsked
                | Self::CustomerRead
                | Self::DeliveryPlannedAgain
                | Self::DeliverySettledAccepted
                | Self::DeliverySettledNotAccepted
                | Self::HeldReleased
                | Self::InboxRead
                | Self::LogExported
                | Self::LogSearched
                | Self::MessageRead
                | Self::MessageTest
                | Self::MoveAnnounced
                | Self::OperatorChanged
                | Self::OperatorSignedIn
                | Self::RecordViewed
                | Self::RejectedReplayed
                | Self::ReleaseDeployed
                | Self::ReleaseRolledBack
                | Self::SendingReleased
                | Self::SendingReleaseWithdrawn
                | Self::SendingResumed
                | Self::SendingStopped
        )
    }

    /// The kind of this name; `None`: no such kind is known here, though a later version may know it.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

impl std::fmt::Display for AuditKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
