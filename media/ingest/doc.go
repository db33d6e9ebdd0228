// Package ingest is the door that the ingest protocols share: who may come in,
// how many, and where their media goes. Packages rtmp and rtsp speak the
// protocols and keep their own configuration keys and metric names.
//
//	net.Listener ─▶ Listener (caps, back-off) ─▶ protocol ─▶ Guard(Authorizer) ─▶ Hub ─▶ Publication
//
// A [Door] counts the connections of one protocol, whichever listener they came
// through. [Guard] slows down whoever tries wrong keys. [Hub] and [Publication]
// are what a protocol needs of package stream.
//
// No key reaches a log line, a metric or an error here.
package ingest
