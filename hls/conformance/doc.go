// Package conformance watches an HLS presentation from outside, as a player would,
// and reports where it breaks RFC 8216bis or Apple's authoring rules. It reads
// playlists, boxes and transport streams with parsers of its own, knows nothing of
// this server, and works on anybody's URL: live or VOD, low latency or not, behind a
// cache or not, with a viewer's token in its path or query, which it never repeats.
//
// Rules have numbers. [Rules] lists them; each is stated in the table at the head of
// the file of its subject, and "broken(54," finds the code that judges rule 54:
//
//	multivariant.go  1-21, 98, 99  the multivariant playlist against itself and the media
//	rates.go         10-12         (judged there)
//	snapshot.go      22-33         one copy of a media playlist
//	date_range.go    100-102       EXT-X-DATERANGE
//	change.go        34-43         a media playlist over time
//	across.go        44-51, 96     renditions against each other
//	boxes.go, ts.go  52-59         bytes of media
//	low_latency.go   60-72         parts, hints and reports
//	reload.go        73-82         blocking reloads and delta updates
//	http.go          83-94         answers
//	media.go         95, 97        what is listed is there
//
// # What a clean report means
//
// A rule that nothing seen applied to is not in the findings but in
// [Summary.NotChecked], with the reason. Some rules can be seen from outside only
// where luck has it, or in part:
//
//   - 12 (average bit rate over an hour) is judged when three quarters of an hour of
//     media have been measured, in one or more contiguous runs.
//   - 41 (torn playlists) is judged on the copies that were read; nobody outside can
//     put the server under load politely.
//   - 43 (never back after a restart) is judged when the server was away during the
//     watch and came back.
//   - 78 (503 after three target durations) is judged when a reload could not be met.
//   - 81 (a client that leaves frees its waiter) shows in no answer. It is judged when
//     Config.Metrics names a Lectern's metrics page.
//   - 94 sees the protocol, not how a server orders its answers (RFC 9218).
//
// Rules on the time at which things appear (39, 50, 65, 71) are measured with the
// watcher's own lateness taken off. 50, 65 and 71 are broken only if repeated
// measurements say so, since one late answer may be the network's. Their findings
// say so: see [Finding.Timed].
//
// Variables (EXT-X-DEFINE) are not substituted, encrypted samples are not looked
// into, and of media in byte ranges only what the range holds is judged.
package conformance
