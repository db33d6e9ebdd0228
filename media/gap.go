package media

// Gap tells that an encoded track has nothing that comes before a time: its
// encoder failed, fell too far behind, or was shed. It becomes EXT-X-GAP
// (RFC 8216bis §4.4.4.7) in every segment that is over by then and not whole.
type Gap struct {
	Track TrackID

	// Until is a presentation time in ticks of the track's timescale. What the
	// track has from Until on may still come, beginning with a random access point.
	Until int64

	// Shed reports whether the rendition is withdrawn for the time being: it
	// should not be offered to players that start now. The track's next access
	// unit ends that.
	Shed bool
}
