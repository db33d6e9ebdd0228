// Package transcode decides which renditions a class offers and makes them.
//
//	Stream (publisher) ──▶ Job ──▶ items of the Ladder's renditions ──▶ hls.Packager
//	                      │   ▲
//	            Spec, media   encoded tracks
//	                      ▼   │
//	            Encoder (worker process, Engine) ◀── Effort ── Governor
//
// A Ladder turns a publisher's tracks into a Plan: what is passed through as it
// is, and what an Engine has to encode (its Spec). A Job carries the plan out for
// one class: the publisher's own media goes on at once, what is encoded joins when
// it comes, and nobody waits for an encoder. A run whose pictures are all encoded
// begins with the first: sound that is over by then is in no rendition. The Governor watches all classes and
// the machine, and takes levels of work away from classes while it cannot keep up;
// Cost estimates what a plan takes, so that a class that begins takes no more than
// there is.
//
// The package is pure Go: cgo stays in its sub-package ffmpeg, and that in the
// process of its sub-package worker.
package transcode
