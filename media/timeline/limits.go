package timeline

import "time"

// The limits are not configuration: they are what the promises of the package
// are made of, and downstream (segment cuts, tests) counts on them.
const (
	// maxGap is the forward step of the publication's clock that is kept as a
	// gap. From here on it is a jump, and a new run starts.
	maxGap = 5 * time.Second

	// maxBack is the backward step of a track's clock that is cured by clamping.
	maxBack = 500 * time.Millisecond

	// wildToConfirm is how many samples in a row must agree on a new clock. One
	// or two are taken for damage and stamped anew.
	wildToConfirm = 3

	// maxWait is how much media time of one track is held for another: to order
	// them, to find where a run starts, to see whether a jump concerns both.
	maxWait = time.Second

	// absentAfter is the media time after which a silent track is not waited for.
	absentAfter = 3 * time.Second

	// leadWait is how much media time of the other tracks passes before a run
	// opens without a leading track that was announced and sends nothing.
	leadWait = 5 * time.Second

	// maxLeadIn is how far sound may precede the first picture of a run.
	maxLeadIn = time.Second

	// minStep and maxStep bound the duration assumed for the last access unit of
	// a run.
	minStep = time.Millisecond
	maxStep = time.Second

	// maxSoundFrame bounds the duration assumed for the last of frames that differ
	// in length: Opus has none longer.
	maxSoundFrame = 120 * time.Millisecond

	// maxComposition bounds PTS - DTS; more is damage.
	maxComposition = 5 * time.Second

	// maxHeldBytes and maxHeldSamples bound what is held back, against
	// publishers whose timestamps stand still. Beyond them order is kept but
	// nothing is waited for.
	maxHeldBytes   = 16 << 20
	maxHeldSamples = 2048

	// maxTimestamp bounds the publisher's timestamps, so that no sum overflows.
	maxTimestamp = 10 * 365 * 24 * time.Hour

	// soundTolerance is the mean error of timestamps of sound that is smoothed away,
	// soundJump the single error that is not.
	soundTolerance = 40 * time.Millisecond
	soundJump      = 500 * time.Millisecond

	// soundSmoothing is the weight (1/n) of one error in the mean.
	soundSmoothing = 8
)
