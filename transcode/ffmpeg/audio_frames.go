package ffmpeg

// Sound on its way into frames of the encoders.

// addSilence lays down n sampling times of silence.
func (p *audioPath) addSilence(n int64) error {
	if over := n - audioMaxSilence; over > 0 {
		over = (over + audioFrame - 1) / audioFrame * audioFrame
		p.clock.next += over
		p.pendingAt += over
		n -= over
	}
	p.clock.next += n
	if len(p.encoders) == 0 {
		return nil
	}
	p.silence.Add(n)
	for n > 0 {
		k := min(int(n), p.room())
		for range 2 * k {
			p.pending = append(p.pending, 0)
		}
		n -= int64(k)
		if err := p.encode(); err != nil {
			return err
		}
	}
	return nil
}

// addSamples lays down interleaved samples of 1 or 2 channels where the clock
// wants them.
func (p *audioPath) addSamples(samples []float32, channels int) error {
	leave := p.clock.take(int64(len(samples) / channels))
	if len(p.encoders) == 0 {
		return nil
	}
	p.skipped.Add(leave)
	samples = samples[int(leave)*channels:]
	for len(samples) > 0 {
		k := min(len(samples)/channels, p.room())
		for i := range k {
			left := bounded(samples[i*channels])
			right := left
			if channels == 2 {
				right = bounded(samples[2*i+1])
			}
			p.pending = append(p.pending, left, right)
		}
		samples = samples[k*channels:]
		if err := p.encode(); err != nil {
			return err
		}
	}
	return nil
}

// room is how many sampling times the pending frame lacks.
func (p *audioPath) room() int { return audioFrame - len(p.pending)/2 }

// encode gives the pending frame to the encoders if it is full.
func (p *audioPath) encode() error {
	if p.room() > 0 {
		return nil
	}
	for _, e := range p.encoders {
		if err := e.encode(p.pending, p.pendingAt); err != nil {
			return err
		}
	}
	p.pending = p.pending[:0]
	p.pendingAt += audioFrame
	return nil
}

// bounded keeps v within full scale. What is not a number, which the encoder would
// refuse, becomes silence.
func bounded(v float32) float32 {
	switch {
	case v > 1:
		return 1
	case v < -1:
		return -1
	case v == v: //nolint:staticcheck // SA4000: the comparison is how a NaN shows
		return v
	default:
		return 0
	}
}
