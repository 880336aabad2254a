// The types of events, as the API names them; a test compares them with it.

/** By what they are about. @type {Object<string, string[]>} */
export const TYPES = {
  email: ["accepted", "attempted", "deferred", "sent", "failed", "held", "uncertain", "resolved", "cancelled",
    "rescheduled", "resent", "suppressed", "unconfirmed"],
  recipient: ["queued", "sent", "deferred", "delivered", "bounced", "rejected", "failed", "complained",
    "unsubscribed", "resubscribed", "autoresponded", "opened", "clicked", "inbound",
    "suppression_added", "suppression_removed", "unknown"],
  webhook: ["unreadable", "created", "changed", "rotated", "replayed", "disabled", "deleted", "test"],
  account: ["opened", "closed", "unconfirmed", "confirmed", "degraded", "recovered", "paused", "resumed", "probed"],
  route: ["changed", "default_changed"],
  suppression: ["added", "removed"],
  address: ["erased"],
  key: ["created", "revoked"],
  template: ["changed", "deleted"],
};
