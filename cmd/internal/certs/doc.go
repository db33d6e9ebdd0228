// Package certs gives the TLS listeners their certificates: from files that may
// be replaced while the server runs, or from a certificate authority by ACME
// (RFC 8555).
//
//	listen.https, listen.rtmps ──GetCertificate──▶ Source ◀──refresh── Monitor.Run
//	listen.http ──Challenges──────────────────────▶ Source
//
// A handshake reads one pointer: it waits for no file and no authority. Whatever
// takes time is done by Monitor.Run, which looks every few seconds, tells the log
// and keeps the metrics. A certificate that cannot be replaced stays in force.
//
// Files are read again when they have changed and then stayed as they are for
// one interval, so that a pair is not judged while half of it is written.
//
// With ACME the authority is asked when the server starts and when a third of the
// lifetime is left, never because somebody connects. Keys are ECDSA P-256. The
// challenges tls-alpn-01 (RFC 8737, on listen.https) and http-01 (on listen.http)
// are answered. Accounts and certificates are kept in DATA/certs, apart for each
// authority, readable by the owner only.
package certs
