package timeline

// Held returns what is held back, for tests.
func (t *Timeline) Held() (samples, bytes int) { return t.heldSamples, t.heldBytes }

// The limits of what Held returns.
const (
	MaxHeldSamples = maxHeldSamples
	MaxHeldBytes   = maxHeldBytes
)
