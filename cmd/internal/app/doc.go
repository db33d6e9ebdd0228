// Package app is the composition root: it makes the server out of the packages
// and is the only place where media and realtime meet.
//
//	rtmp ┐      ┌─ class.Registry ─▶ api, web
//	     ├─▶ admission ─▶ stream.Hub ─▶ pipeline ─▶ hls/origin
//	rtsp ┘                              (one a class: Job, Packager, Log)
//	ws ─▶ rooms ─▶ broker               (with the clock of the Packager)
//
// Tests start the real server on port 0: New(cfg, logger), Run(ctx), Addrs(ctx).
//
// A stopping server goes through four stages, from the outside in: the edges
// (listeners; publishers are told, viewers' held requests end, sockets are told
// when to come back), the pipelines (what is packaged reaches the disk; playlists
// stop without an end, for the next start to go on), the rooms and then their logs,
// the databases.
package app
