/*
 * ticket_rejections.h: TICKET_REJECTION(name, text, help): why a ticket of a race opened no session.
 * `text` is the answer's reason and the counter's label; it never changes.
 */
TICKET_REJECTION(NONE, "none", "it is good")
TICKET_REJECTION(MALFORMED, "malformed", "not 64 characters of base64url, or of another version")
TICKET_REJECTION(UNKNOWN_KEY, "unknown_key", "made under a key that is no more: race again")
TICKET_REJECTION(FORGED, "forged", "altered, or shown from another source than it was made for")
TICKET_REJECTION(OTHER_SERVICE, "other_service", "made for another service")
TICKET_REJECTION(OTHER_MEMBER, "other_member", "made for another member")
TICKET_REJECTION(EXPIRED, "expired", "older than its time to live: race again")
