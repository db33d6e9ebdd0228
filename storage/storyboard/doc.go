// Package storyboard keeps what a player needs for previews: the latest picture
// of a class, and sprite sheets with a WebVTT file that says which tile shows
// which time.
//
//	transcode ──Add──▶ Board ──tmp, fsync, rename──▶ dir
//	http      ◀──Latest, File, WebVTT── Board
//
// One Board is one folder:
//
//	thumbnail.jpg        the latest picture, as it came
//	storyboard.vtt       the cues; also the Board's index
//	sheet-000001.jpg     a full sheet, 5 x 5 tiles of 160x90
//	sheet-000002-07.jpg  the growing sheet with 7 tiles
//
// A sheet's name is never used for other bytes. The growing sheet gets another
// name with every tile; the one before stays for the grace, so that a player
// that has the WebVTT file of a moment ago still finds it. Cues are
//
//	2030-03-04T09:00:10.000Z
//	00:00:10.000 --> 00:00:20.000
//	sheet-000001.jpg#xywh=160,0,160,90
//
// on the class's media time, with the wall clock as identifier (WebVTT §4.1,
// Media Fragments URI 1.0 §4.2.2). A cue lasts until the next one begins.
//
// Nothing is announced, in the WebVTT file or by File, before it is durable: the
// sheet is synced, then the WebVTT file that refers to it. After a crash Open
// continues from the WebVTT file alone; what it does not mention was never served
// and is removed, and cues whose sheet cannot be read are dropped.
//
// Add may block on the disk for some tens of milliseconds; calls are serialised.
// The other methods take no lock and may be called from any goroutine, also
// while Add runs. Memory is one sheet (0.6 MB), the latest picture and the WebVTT
// file (80 bytes a cue). The disk holds at most Config.MaxTiles tiles: 4,500 (12.5 h
// at one each 10 s) take about 20 MB. Beyond that only the latest picture changes.
//
// # Cache lifetimes
//
// For whoever serves the files, behind a CDN:
//
//	sheet-*.jpg     Cache-Control: public, max-age=31536000, immutable
//	storyboard.vtt  Cache-Control: public, max-age=5, while the class is live;
//	                max-age=3600 when it has ended
//	thumbnail.jpg   Cache-Control: public, max-age=10, while the class is live;
//	                max-age=3600 when it has ended
//	not found       Cache-Control: public, max-age=5
//
// storyboard.vtt must not be cached for longer than Config.Grace less a margin, stale
// answers included, or a player may ask for a sheet that is gone. Give
// storyboard.vtt and thumbnail.jpg an ETag; File.ModTime has whole milliseconds,
// Last-Modified only seconds.
package storyboard
