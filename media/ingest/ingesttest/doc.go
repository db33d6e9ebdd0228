// Package ingesttest stands in for what lies behind an ingest protocol: [Hub]
// admits publishers and [Publication] keeps what they send. It is imported by
// tests only and starts no goroutine.
package ingesttest
