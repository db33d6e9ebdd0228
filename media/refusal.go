package media

// RefusalError is the error for media that cannot be served. It is shown to the
// person who publishes: as RTMP onStatus description, RTSP reason phrase, and
// on the class's page.
type RefusalError struct {
	// Code is a stable identifier such as "keyframe_interval"; it is the
	// `reason` label of metrics.
	Code string

	// Text is one plain sentence that says what to change, in the words of the
	// encoder's settings dialog, and holds no peer-supplied bytes.
	Text string
}

// Error returns the sentence.
func (r *RefusalError) Error() string { return r.Text }
