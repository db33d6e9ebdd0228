// Package access mints and checks the tokens that let a viewer play a class
// whose access is "token".
//
//	api, lti ──Mint, Renew──▶ KeyRing ──▶ bbolt (keys and revocations only)
//	hls/origin ────Check────▶    │
//	api ──Revoke…, Rotate────────┘
//
// A token is part of the path, /t/{token}/live/…, so that relative URIs inherit
// it and a cache can strip it. Its text is plain, for an edge to check with one
// HMAC-SHA256:
//
//	v1.{kid}.{iat}.{exp}.{jti}.{class}.{mac}
//
// kid is the key's id, [a-z0-9]{1,8}. iat is when the viewer was admitted and
// exp when the token expires, both Unix seconds in decimal; a token is good
// while the clock is below exp. jti is the viewer's own id, [a-z0-9]{8,16}.
// class is the class's id. mac is the HMAC-SHA256, under the key's 43 characters, of
// everything before the last dot, as base64url without padding (RFC 4648 §5).
// Each token has exactly one spelling and at most MaxLen bytes.
//
// Renewal keeps jti and iat and moves exp, so the tokens that one viewer gets in
// turn form a chain, whose age iat tells without the server remembering anyone.
//
// Tokens are not stored. What is stored is up to two keys and what was revoked.
// A revocation is a moment: of the class, or of one jti in it, the chains that
// began up to then are void. It is forgotten [MaxLifetime] later, when they would
// have expired anyway. An edge that checks by itself does not know revocations:
// what it serves from its cache it serves until exp.
//
// Checking touches neither disk nor lock: it reads an immutable snapshot behind
// an atomic pointer, which every change replaces after it has been fsynced. All
// methods may be called from any goroutine, and none starts one. The caller says
// what time it is.
//
// Beside these, which open the video, the package has what opens the room, which
// knows people: grants and passes, signed by a [GrantRing] with keys of its own,
// and the secret of each class's studio link, kept by [StudioKeys]. Where a name
// comes from outside, [CleanName] makes it fit to be shown.
//
// Tokens, grants, keys and secrets are credentials: no error, log line or metric
// of this package holds one.
package access
