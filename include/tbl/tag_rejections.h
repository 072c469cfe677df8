/* tag_rejections.h: TAG_REJECTION(name, text, help): why a tag was treated as absent. */
TAG_REJECTION(NONE, "none", "the tag verified")
TAG_REJECTION(MALFORMED, "malformed", "not base64url, wrong length or wrong version")
TAG_REJECTION(UNKNOWN_SECRET, "unknown_secret", "signed under a secret that is not configured")
TAG_REJECTION(BAD_MAC, "bad_mac", "the MAC does not verify: forged, altered, or of another service")
TAG_REJECTION(OTHER_POOL, "other_pool", "signed here, but for another pool key")
TAG_REJECTION(OTHER_SESSION, "other_session", "its digest is not the digest of the key in the request")
TAG_REJECTION(DOUBLED, "doubled", "more than one different tag in one request")
