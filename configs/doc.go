// Package configs composes the configuration of every package into one file,
// lectern.yaml, and reads it: file, then environment, every key checked, every
// problem reported at once under its own key.
//
// Each package declares, documents and validates its own Config; this package
// only joins them, so nothing but cmd may import it. REFERENCE.md is made from
// the doc comments of those structs by go generate, and a test compares.
package configs

//go:generate go run ./internal/reference/generate
