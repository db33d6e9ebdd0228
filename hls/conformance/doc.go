// Package conformance watches a live HLS presentation from outside, as a player
// would, and reports where it breaks RFC 8216bis or Apple's authoring rules. It
// reads playlists with a parser of its own, knows nothing of this server, and
// works on anybody's URL.
//
// Implemented so far are the rules on playlists, on their change over time and
// across renditions, on blocking reload and delta updates, on stated bit rates, on
// I-frame playlists, and on HTTP. Rules on the bytes of segments and on the time at
// which things appear are not: a clean report says nothing about them.
package conformance
